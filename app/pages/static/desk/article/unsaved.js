// What was typed and is not saved: kept in this tab by article and version, so that neither a closed view nor a key that
// was revoked loses it. A browser gives a tab that is restored or reloaded its storage back.

const PREFIX = "dateline-unsaved:";

/** Keeps a form; false where the tab has no room for it, or keeps nothing. */
export function keepUnsaved(id, version, form) {
  try {
    sessionStorage.setItem(name(id, version), JSON.stringify({ form, at: new Date().toISOString() }));
    return true;
  } catch {
    return false;
  }
}

/** `{version, form, at}` of an article, or null. */
export function findUnsaved(id) {
  return listUnsaved().find((one) => one.id === String(id)) ?? null;
}

export function dropUnsaved(id) {
  for (const one of listUnsaved()) {
    if (one.id === String(id)) sessionStorage.removeItem(name(id, one.version));
  }
}

/** All that is kept, the newest first. */
export function listUnsaved() {
  const kept = [];
  try {
    for (let at = 0; at < sessionStorage.length; at += 1) {
      const key = sessionStorage.key(at);
      if (key.startsWith(PREFIX)) kept.push(read(key));
    }
  } catch {
    return [];
  }
  return kept.sort((one, other) => other.at.localeCompare(one.at));
}

function read(key) {
  const [id, version] = key.slice(PREFIX.length).split(":");
  return { id, version: Number(version), ...JSON.parse(sessionStorage.getItem(key)) };
}

function name(id, version) {
  return `${PREFIX}${id}:${version}`;
}
