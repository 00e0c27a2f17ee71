// SPDX-License-Identifier: MIT
#pragma once

/// The TrueType file that the build embeds; its length is not needed to read it.
extern "C" const unsigned char convoy_font_ttf[];
