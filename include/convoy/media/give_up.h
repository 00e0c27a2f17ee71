// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

namespace convoy::media {

/// Asked again and again, from the thread that waits, while something waits for another program, for somebody who
/// writes into a pipe or reads from it, say, or takes long: true, and it ends with an Error. Empty: it goes on for
/// ever. It must not throw.
using GiveUp = std::function<bool()>;

}  // namespace convoy::media
