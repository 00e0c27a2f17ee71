# SPDX-License-Identifier: MIT
"""Detections for the `supervision` package, which is imported only when asked for."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import supervision


def to_supervision(detections: np.ndarray, names: Sequence[str] = ()) -> supervision.Detections:
    """A structured array of convoy.DETECTION as supervision.Detections: tracks as tracker_id where things are followed,
    class names as data['class_name'] where `names` are given. What has no track yet has the tracker_id -1."""
    import numpy as np
    import supervision
    xyxy = np.stack([detections['x'], detections['y'], detections['x'] + detections['w'], detections['y'] + detections['h']], axis=-1)
    tracks = detections['track']
    data = {'class_name': np.array([names[i] for i in detections['class_id']], dtype=str)} if names else {}
    return supervision.Detections(xyxy=xyxy, confidence=detections['score'].copy(), class_id=detections['class_id'].astype(int),
                                  tracker_id=np.where(tracks > 0, tracks, -1) if tracks.any() else None, data=data)
