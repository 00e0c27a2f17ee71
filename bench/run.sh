#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `make bench`: every benchmark on the demo model; side by side with OpenCV, ONNX Runtime and OpenVINO where a Python has them.
set -euo pipefail
bench=${1:?usage: run.sh CONVOY_BENCH}
model=models/yolov3-quarter
"$bench" load --model "$model"
"$bench" network --model "$model"
"$bench" network --model "$model" --batch 8
"$bench" pipeline --model "$model" models/pedestrians.mp4
"$bench" kernels --model "$model"
if "$bench" network --model "$model" --device cuda --passes 1 >/dev/null 2>&1; then
    for what in conv boundary preprocess postprocess; do "$bench" $what --model "$model" --device cuda; done
else
    echo "no kernels of the GPU's: there is none here, or this build has no CUDA backend"
fi
if python3 -c 'import convoy, onnx, onnxruntime, openvino' 2>/dev/null; then
    python3 bench/compare_cpu.py "$(dirname "$bench")" "$model.cfg" 416
else
    echo "not compared with ONNX Runtime and OpenVINO: pip install . onnx onnxruntime openvino"
fi
pythons=()
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import cv2; cv2.dnn.readNetFromDarknet' 2>/dev/null; then pythons+=(--python "$python"); fi
done
if [ ${#pythons[@]} -eq 0 ]; then
    echo "not compared with OpenCV: no python3 here has cv2 with a Darknet importer (OpenCV 4)"
else
    python3 bench/compare_opencv.py "$bench" "$model.cfg" "$model.weights" 416 "${pythons[@]}"
fi
