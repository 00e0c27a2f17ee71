# SPDX-License-Identifier: MIT
"""What detections are, to numpy."""
import numpy as np

#: One detection. x, y, w, h: pixels of the frame, x and y the top left corner. score: objectness times class probability.
#: track: which thing of its input it is a sight of, from 1 on; 0 where it is not followed.
DETECTION = np.dtype([('x', 'f4'), ('y', 'f4'), ('w', 'f4'), ('h', 'f4'), ('score', 'f4'), ('class_id', 'i4'), ('track', 'i8')])
