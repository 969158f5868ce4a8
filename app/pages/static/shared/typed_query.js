// The text of a search field that the address of the page keeps.

import { useEffect, useRef, useState } from "./view.js";

/** What is typed, `setTyped`, and `tellSent`, which gets each text before the address does. What the address says wins
 * where it did not come from here: by the back button, a link, or a correction that was taken. */
export function useTypedQuery(asked) {
  const [typed, setTyped] = useState(asked);
  const sent = useRef(asked);
  useEffect(() => {
    if (asked === sent.current) return;
    sent.current = asked;
    setTyped(asked);
  }, [asked]);
  const tellSent = (text) => {
    sent.current = text;
  };
  return { typed, setTyped, tellSent };
}
