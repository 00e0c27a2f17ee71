// SPDX-License-Identifier: MIT
//
// Trees of classes (YOLO9000's data/9k.tree): a line for each class, an identifier and its parent's number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <convoy/network.h>

namespace convoy {

/// Reads the tree of each [region] layer that names one. It is looked for beside the cfg, under the cfg's name with
/// .tree at the end; then under the path that the cfg has, from the working directory as Darknet does, from the cfg's
/// folder and from the one above; then under the path's last part in the cfg's folder.
/// Throws Error(model) naming cfg, line and layer where there is none, file and line where it is no such tree.
void attach_trees(Network& network);

/// The parents that the text of such a file has; `path` is only used in messages. Throws Error(model) as above.
std::vector<int> parse_tree(std::string_view text, const std::string& path);

/// `parents` as such a file; its identifiers are numbers.
std::string tree_text(const std::vector<int>& parents);

}  // namespace convoy
