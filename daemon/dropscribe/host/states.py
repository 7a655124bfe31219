"""The states of a model, and every way from one to another.

| from                | event                                                           | to        |
|---------------------|-----------------------------------------------------------------|-----------|
| cold                | wanted and allowed                                              | loading   |
| cold                | wanted, not allowed now                                         | blocked   |
| blocked             | wanted, its time has come, allowed                              | loading   |
| blocked             | not wanted any more, or the settings changed                    | cold      |
| loading             | ready                                                           | warm      |
| loading             | cannot load, no sign of life, pressure, settings, command, stop | unloading |
| warm                | a job                                                           | busy      |
| warm                | idle, pressure, recycle, settings, command, stop                | unloading |
| busy                | the job ended                                                   | warm      |
| busy                | stuck                                                           | unloading |
| loading, warm, busy | the process died by itself                                      | unloading |
| unloading           | the process has ended                                           | cold      |

`Host` takes them all, and nobody else looks at the state to decide.
"""

from enum import StrEnum


class ModelState(StrEnum):
    """Where a model stands."""

    COLD = "cold"
    LOADING = "loading"
    WARM = "warm"
    BUSY = "busy"
    UNLOADING = "unloading"
    BLOCKED = "blocked"


ALLOWED = {
    ModelState.COLD: {ModelState.LOADING, ModelState.BLOCKED},
    ModelState.BLOCKED: {ModelState.LOADING, ModelState.COLD},
    ModelState.LOADING: {ModelState.WARM, ModelState.UNLOADING},
    ModelState.WARM: {ModelState.BUSY, ModelState.UNLOADING},
    ModelState.BUSY: {ModelState.WARM, ModelState.UNLOADING},
    ModelState.UNLOADING: {ModelState.COLD},
}
