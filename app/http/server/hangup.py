"""What SIGHUP does to a server: nothing but a line in the log. Settings are read at the start, and the log goes to
standard error, so that there is nothing to read or to open again. Only where the terminal that the server was started
in has gone does it end, as if by SIGTERM: nobody could reach it there."""

import logging
import os
import signal
from threading import Thread

logger = logging.getLogger(__name__)

MESSAGE = "SIGHUP changes nothing: settings are read at the start, and whatever keeps the log may rotate it"
_STANDARD_STREAMS = (0, 1, 2)


def handle_hangups() -> None:
    """For this process and those that it forks. Who started it with SIGHUP ignored (`nohup`) has that kept."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        return
    terminals = [number for number in _STANDARD_STREAMS if os.isatty(number)]

    def handle(*_: object) -> None:
        # A terminal that has hung up is none any more.
        if terminals and not any(map(os.isatty, terminals)):
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            # Not here: the signal may have come while this thread writes to the log, which cannot be begun again.
            Thread(target=logger.info, args=(MESSAGE,), daemon=True).start()

    signal.signal(signal.SIGHUP, handle)
