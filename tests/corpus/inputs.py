# SPDX-License-Identifier: MIT
"""Small recordings and pictures of the kinds that people have, each made by one ffmpeg command: name, arguments before
the output file, and what is done to that file afterwards. `short` marks those that every run of the tests takes."""
import dataclasses


@dataclasses.dataclass
class Wanted:
    name: str        # of the file
    arguments: str   # of ffmpeg, between the source and the file's name
    short: bool = False
    source: str = "testsrc2=size=96x64:rate=10"
    frames: int = 24
    after: str = ""  # "cut 0.7": only that share of the file is kept; "drop N": its first N packets are not
    expected: int = -1  # records, where libav's own count is not what is right; docs say why


def recordings():
    x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p"
    x265 = "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none"
    # Codecs in containers.
    for ending in ("mp4", "mkv", "mov", "ts", "flv", "avi", "m4v", "h264", "3gp", "m2ts", "nut"):
        yield Wanted(f"h264.{ending}", x264 + (" -f mp4" if ending == "m4v" else ""), ending in ("mp4", "mkv", "ts", "h264"))
    for ending in ("mp4", "mkv", "mov", "ts", "hevc"):
        yield Wanted(f"hevc.{ending}", x265, ending == "mp4")
    for codec, endings in {"mpeg4": "mp4 avi mkv", "libxvid": "avi", "mpeg2video": "ts mpg mkv vob m2v", "mpeg1video": "mpg m1v",
                           "libvpx": "webm mkv ivf", "libvpx-vp9": "webm mkv mp4 ivf", "libaom-av1": "mp4 mkv webm ivf obu",
                           "mjpeg": "avi mkv mov mjpeg", "libtheora": "ogv ogg", "ffv1": "mkv avi", "huffyuv": "avi", "ffvhuff": "mkv",
                           "flv1": "", "flv": "flv", "msmpeg4": "avi", "msmpeg4v2": "avi", "wmv1": "wmv", "wmv2": "wmv asf",
                           "rawvideo": "avi nut y4m", "utvideo": "avi mkv", "qtrle": "mov", "svq1": "mov", "cinepak": "avi",
                           "rv10": "rm", "rv20": "rm", "prores": "mov", "snow": "avi", "zmbv": "avi", "gif": "gif", "libwebp_anim": "webp",
                           "apng": "apng", "png": "mov avi", "jpeg2000": "mov", "magicyuv": "avi", "asv1": "avi", "flashsv": "flv"}.items():
        for ending in endings.split():
            arguments = f"-c:v {codec}"
            if codec == "libaom-av1":
                arguments += " -cpu-used 8 -usage realtime"
            if codec in ("mjpeg", "jpeg2000"):
                arguments += " -pix_fmt yuvj420p" if codec == "mjpeg" else ""
            if ending == "y4m":
                arguments = "-pix_fmt yuv420p"
            if codec in ("libvpx", "libvpx-vp9"):
                arguments += " -deadline realtime -cpu-used 8"
            yield Wanted(f"{codec}.{ending}", arguments, codec in ("libvpx-vp9", "mjpeg", "mpeg2video") and ending in ("webm", "avi", "ts"))
    yield Wanted("dv.dv", "-c:v dvvideo -pix_fmt yuv420p -s 720x576 -r 25")
    yield Wanted("dnxhr.mov", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -s 256x128")
    yield Wanted("dnxhr.mxf", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -s 256x128")
    yield Wanted("h263.3gp", "-c:v h263 -s 176x144")
    yield Wanted("h261.avi", "-c:v h261 -s 176x144")
    # How H.264 and HEVC are made.
    for name, more in {"bframes": "-bf 3", "open-gop": "-bf 3 -x264-params open-gop=1:keyint=6", "gop1": "-g 1", "gop5": "-g 5",
                       "one-keyframe": "-g 1000", "interlaced": "-flags +ilme+ildct -x264-params interlaced=1", "lossless": "-qp 0",
                       "slices": "-x264-params slices=4", "intra-refresh": "-x264-params intra-refresh=1:keyint=8",
                       "full-range": "-pix_fmt yuvj420p", "baseline": "-profile:v baseline", "no-cabac": "-x264-params cabac=0",
                       "refs": "-refs 5 -bf 5", "bt601": "-colorspace smpte170m -color_range tv", "annexb-aud": "-x264-params aud=1"}.items():
        yield Wanted(f"h264-{name}.mp4", f"{x264} {more}", name in ("bframes", "open-gop", "interlaced"))
    for pixels in ("yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gray"):
        yield Wanted(f"h264-{pixels}.mkv", f"-c:v libx264 -preset ultrafast -pix_fmt {pixels}", pixels == "yuv420p10le")
    for pixels in ("yuv420p10le", "yuv420p12le", "yuv444p"):
        yield Wanted(f"hevc-{pixels}.mp4", f"-c:v libx265 -preset ultrafast -pix_fmt {pixels} -x265-params log-level=none")
    yield Wanted("hevc-open-gop.mp4", x265 + ":open-gop=1:keyint=6:bframes=3", True)
    yield Wanted("hevc-hdr.mp4", "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none "
                 "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc", True)
    yield Wanted("vp9-10-bit.webm", "-c:v libvpx-vp9 -pix_fmt yuv420p10le -deadline realtime -cpu-used 8")
    yield Wanted("vp8-alpha.webm", "-c:v libvpx -pix_fmt yuva420p -auto-alt-ref 0 -deadline realtime")
    yield Wanted("prores-alpha.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le")
    # Sizes and shapes.
    for size in ("16x16", "98x66", "1x1", "640x16", "16x640", "720x576"):
        yield Wanted(f"size-{size}.mkv", "-c:v ffv1 -pix_fmt yuv444p", source=f"testsrc2=size={size}:rate=10")
    yield Wanted("odd.mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv444p", True, "testsrc2=size=65x49:rate=10")
    yield Wanted("anamorphic.mp4", x264 + " -vf setsar=2/1", True)
    for turn in (90, 180, 270):
        yield Wanted(f"turned-{turn}.mp4", x264, turn == 90, after=f"turn {turn}")
    # Time.
    for rate in ("1", "15", "24000/1001", "30000/1001", "60", "240"):
        yield Wanted(f"rate-{rate.replace('/', '-')}.mp4", x264, source=f"testsrc2=size=96x64:rate={rate}")
    yield Wanted("vfr.mkv", x264 + " -vf setpts='PTS+0.03*random(1)/TB' -fps_mode passthrough", True)
    yield Wanted("vfr.mp4", x264 + " -vf select='not(mod(n\\,3))' -fps_mode vfr", True, frames=48)
    yield Wanted("late.ts", x264 + " -output_ts_offset 5000")
    yield Wanted("wrap.ts", x264 + " -output_ts_offset 95442.5 -muxdelay 0", True)
    yield Wanted("negative.mkv", x264 + " -output_ts_offset -1 -avoid_negative_ts disabled")
    yield Wanted("stamps-step-back.mkv", x264 + " -g 6 -bf 0 -bsf:v setts=ts='if(lt(N\\,12)\\,TS\\,TS-900)'", True)
    yield Wanted("stamps-jump.mkv", x264 + " -g 6 -bf 0 -bsf:v setts=ts='if(lt(N\\,12)\\,TS\\,TS+36000000)'", True)
    yield Wanted("stamps-spike.mkv", x264 + " -g 6 -bf 0 -bsf:v setts=ts='if(eq(N\\,12)\\,TS+100000\\,TS)'", True)
    yield Wanted("stamps-equal.mkv", x264 + " -g 6 -bf 0 -bsf:v setts=ts='if(mod(N\\,2)\\,TS-100\\,TS)'")
    yield Wanted("fragmented.mp4", x264 + " -g 6 -movflags +frag_keyframe+empty_moov", True)
    yield Wanted("index-first.mp4", x264 + " -movflags +faststart")
    yield Wanted("one-frame.mp4", x264, True, frames=1)
    yield Wanted("two-frames.mkv", x264, frames=2)
    # Other streams.
    sound = "-f lavfi -i sine=duration=2.4 -shortest"
    yield Wanted("with-sound.mp4", f"{sound} {x264} -c:a aac", True)
    yield Wanted("with-sound.avi", f"{sound} -c:v mpeg4 -c:a libmp3lame")
    yield Wanted("with-sound.webm", f"{sound} -c:v libvpx -deadline realtime -c:a libopus")
    yield Wanted("long-sound.mkv", f"-f lavfi -i sine=duration=6 {x264} -c:a aac", True)
    yield Wanted("two-videos.mkv", f"-f lavfi -i color=red:size=64x48:rate=10:duration=1 -map 0 -map 1 {x264}", True)
    yield Wanted("timecode.mov", x264 + " -timecode 10:00:00:00")
    # Not whole.
    yield Wanted("cut.mkv", x264 + " -g 6", True, after="cut 0.7")
    yield Wanted("cut.ts", x264 + " -g 6", True, after="cut 0.7")
    yield Wanted("cut.avi", "-c:v mpeg4 -g 6", after="cut 0.7")
    yield Wanted("cut-fragmented.mp4", x264 + " -g 6 -movflags +frag_keyframe+empty_moov", after="cut 0.7")


def pictures():
    for ending, arguments in {"jpg": "-pix_fmt yuvj420p", "jpeg": "-pix_fmt yuvj444p", "png": "", "bmp": "", "tiff": "", "tif": "", "gif": "",
                              "webp": "", "tga": "", "ppm": "", "pgm": "", "jp2": "", "jxl": "", "avif": "-c:v libaom-av1 -still-picture 1",
                              "qoi": "", "sgi": "", "pcx": "", "dpx": "", "exr": "", "ras": "", "pam": "", "xbm": ""}.items():
        yield Wanted(f"picture.{ending}", f"{arguments} -update 1" if ending not in ("avif", "gif", "webp") else arguments,
                     ending in ("jpg", "png", "tiff", "webp", "gif"), frames=1)
    for pixels in ("gray", "rgb48be", "rgba", "gray16be", "pal8", "ya8"):
        yield Wanted(f"{pixels}.png", f"-pix_fmt {pixels} -update 1", pixels == "gray", frames=1)
    yield Wanted("gray.jpg", "-pix_fmt gray -update 1", True, frames=1)
    yield Wanted("cmyk-like.jpg", "-pix_fmt yuvj422p -update 1", frames=1)
