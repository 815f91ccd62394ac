"""What held-back windows taught at an origin, as bytes (pure): what is made of them can be made again from it.

Weights and corrections of a few hundred numbers a series take a hundredth of the room of the quantiles that they make.
"""

import numpy as np

from forecaster.backcast import Learned
from forecaster.blend import Weights
from forecaster.calibration import Calibration
from forecaster.models.model import Says, arrays_from_bytes, arrays_to_bytes
from forecaster.state_windows import Kept


def packed(learned: Learned) -> Kept | None:
    """What was learned as one array of bytes; none of counts."""
    calibration = learned.calibration
    if not isinstance(calibration, Calibration):
        return None
    arrays = {
        "weights": learned.weights.of,
        "shift": calibration.shift,
        "wider": calibration.wider,
        "hours": calibration.hours,
        "groups": calibration.groups.astype(np.float64),
        "supported": calibration.supported.astype(np.float64),
        "day": np.array(float(calibration.day)),
        "reach": np.array(float(calibration.reach)),
    }
    return np.frombuffer(arrays_to_bytes(arrays), dtype=np.uint8)


def unpacked(kept: Kept | None) -> Learned | None:
    """What `packed` was given; none where it is nothing of the kind."""
    if kept is None or kept.dtype != np.uint8:
        return None
    try:
        found = arrays_from_bytes(kept.tobytes())
        calibration = Calibration(
            groups=found["groups"].astype(np.int64),
            day=int(found["day"]),
            shift=found["shift"].astype(np.float64),
            wider=found["wider"].astype(np.float64),
            hours=found["hours"].astype(np.float64),
            supported=found["supported"] > 0,
            reach=int(found["reach"]),
        )
        weights = Weights(found["weights"].astype(np.float64))
    except (KeyError, TypeError, ValueError):
        return None
    return Learned(weights=weights, calibration=calibration, says=Says.QUANTILES)
