// SPDX-License-Identifier: MIT
#include "tools/media/draw/font_data.h"

// The assembler copies the file; an array in C++ would take the compiler seconds.
__asm__(
    ".pushsection .rodata\n"
    ".global convoy_font_ttf\n"
    ".hidden convoy_font_ttf\n"
    ".type convoy_font_ttf, %object\n"
    ".balign 16\n"
    "convoy_font_ttf:\n"
    ".incbin \"" CONVOY_FONT_FILE
    "\"\n"
    ".size convoy_font_ttf, . - convoy_font_ttf\n"
    ".popsection\n");
