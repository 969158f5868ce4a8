// What was typed and is not saved: kept in this tab by article and version, so that neither a closed view nor a key that
// was revoked loses it. A browser gives a tab that is restored or reloaded its storage back.

const PREFIX = "dateline-unsaved:";

/** Keeps a form in place of all that was kept of its article; false where the tab has no room for it, or keeps nothing:
 * then what was kept before is still there. */
export function keepUnsaved(id, version, form) {
  const key = `${prefixOf(id)}${version}`;
  try {
    sessionStorage.setItem(key, JSON.stringify({ form, at: new Date().toISOString() }));
  } catch {
    return false;
  }
  removeAll(id, key);
  return true;
}

/** `{id, version, form, at}` of an article, or null. */
export function findUnsaved(id) {
  return listUnsaved(prefixOf(id))[0] ?? null;
}

export function dropUnsaved(id) {
  removeAll(id, null);
}

/** All that is kept, the newest first. */
export function listUnsaved(prefix = PREFIX) {
  return listKeys(prefix).map(read).filter((one) => one !== null).sort((one, other) => other.at.localeCompare(one.at));
}

function removeAll(id, but) {
  for (const key of listKeys(prefixOf(id))) {
    if (key !== but) sessionStorage.removeItem(key);
  }
}

function listKeys(prefix) {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

/** Null for what this program has not written. */
function read(key) {
  const [id, version] = key.slice(PREFIX.length).split(":");
  try {
    return { id, version: Number(version), ...JSON.parse(sessionStorage.getItem(key)) };
  } catch {
    return null;
  }
}

function prefixOf(id) {
  return `${PREFIX}${id}:`;
}
