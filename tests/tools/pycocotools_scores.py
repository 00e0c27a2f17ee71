# SPDX-License-Identifier: MIT
# Prints what pycocotools makes of annotations and results: the twelve summary values, then the AP of each category.
import contextlib
import io
import json
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    evaluation = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()

precision = evaluation.eval["precision"][:, :, :, 0, 2]
per_category = []
for k in range(precision.shape[2]):
    values = precision[:, :, k]
    values = values[values > -1]
    per_category.append(float(np.mean(values)) if values.size else -1.0)
print(json.dumps({"summary": list(evaluation.stats), "categories": per_category}))
