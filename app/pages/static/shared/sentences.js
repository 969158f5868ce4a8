// Problems in words for the people before the screen. The API's own `detail` is a sentence already, and stays where it
// says what is wrong with the input; this adds what to do where that is not the visitor's input.

const BY_CODE = {
  unreachable: "The server cannot be reached. What you see may be out of date; try again when you are online.",
  unreadable: "The server, or something between it and you, sent a response that cannot be read. Try again.",
  index_behind: "The search index is being built. Lists will be complete when it is done.",
  database_unavailable: "The archive is out of reach at the moment. Nothing is lost; try again shortly.",
  overloaded: "The server is busy. Try again shortly.",
  read_only: "The archive can be read but not changed at the moment.",
  not_found: "There is nothing at this address, or nothing that you may see.",
  internal_error: "Something broke on the server. Its operator can find the cause by the request's number.",
};

/** One sentence or two about a Problem. */
export function explain(problem) {
  if (problem.code === "unauthorized") return explainKey(problem);
  if (problem.code === "missing_scope") return `Your key is good, but not for this. ${problem.detail}`;
  if (problem.code === "rate_limited") return `Too many requests for the moment.${explainWait(problem)}`;
  const known = BY_CODE[problem.code];
  if (known === undefined) return explainInput(problem);
  return problem.status === 503 ? known + explainWait(problem) : known;
}

function explainKey(problem) {
  return `A key that is valid is needed for this. ${problem.detail}`;
}

function explainInput(problem) {
  const first = problem.errors[0];
  const hint = first?.did_you_mean ? ` Did you mean “${first.did_you_mean}”?` : "";
  return problem.detail + hint;
}

function explainWait({ retryAfter }) {
  if (retryAfter === null) return "";
  return retryAfter === 1 ? " Try again in a second." : ` Try again in ${retryAfter} seconds.`;
}
