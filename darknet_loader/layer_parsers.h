// SPDX-License-Identifier: MIT
//
// One parser per kind of layer: reads the keys of its section, checks each by itself. Shapes come later.
#pragma once

#include "darknet_loader/section_reader.h"

namespace convoy {

/// Bounds that keep every product of them in 64 bits and every dimension meaningful.
inline constexpr int kMaxCount = 65536;  ///< filters, channels, classes, pixels per side
inline constexpr int kMaxWindow = 1024;  ///< kernel size, stride, padding, dilation

LayerKind parse_convolutional(SectionReader& section);
LayerKind parse_shortcut(SectionReader& section);
LayerKind parse_route(SectionReader& section);
LayerKind parse_upsample(SectionReader& section);
LayerKind parse_maxpool(SectionReader& section);
LayerKind parse_avgpool(SectionReader& section);
LayerKind parse_local_avgpool(SectionReader& section);
LayerKind parse_reorg(SectionReader& section);
LayerKind parse_reorg3d(SectionReader& section);
LayerKind parse_sam(SectionReader& section);
LayerKind parse_scale_channels(SectionReader& section);
LayerKind parse_activation(SectionReader& section);
LayerKind parse_softmax(SectionReader& section);
LayerKind parse_batchnorm(SectionReader& section);
LayerKind parse_connected(SectionReader& section);
LayerKind parse_local(SectionReader& section);
LayerKind parse_crop(SectionReader& section);
LayerKind parse_dropout(SectionReader& section);
LayerKind parse_yolo(SectionReader& section);
LayerKind parse_region(SectionReader& section);
LayerKind parse_gaussian_yolo(SectionReader& section);
LayerKind parse_detection(SectionReader& section);

}  // namespace convoy
