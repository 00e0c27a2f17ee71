// SPDX-License-Identifier: MIT
#include "tools/media/reach.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/media/files.h"

extern "C" {
#include <libavutil/avstring.h>
}

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

/// libav's demuxers of pictures that move, or of one, whose files hold all they need; those of the *_pipe kind come on
/// top. What is not named here is not opened, so that a later libav's next kind of playlist is none for us.
constexpr const char* kContainers =
    "4xm,anm,apng,asf,asf_o,av1,avi,avs,avs2,avs3,bethsoftvid,bfi,bink,bmv,c93,cavsvideo,cdg,cdxl,cine,dhav,dirac,"
    "dnxhd,dsicin,dv,dxa,ea,evc,film_cpk,filmstrip,fits,flic,flv,gdv,gif,gxf,h261,h263,h264,hevc,hnm,ico,idcin,iff,ifv,"
    "image2,image2pipe,ingenient,ipmovie,ipu,iv8,ivf,ivr,jpegxl_anim,jv,kux,live_flv,lmlm4,lvf,lxf,m4v,matroska,webm,"
    "mgsts,mjpeg,mjpeg_2000,mlv,mm,mods,moflex,mov,mp4,mpeg,mpegts,mpegtsraw,mpegvideo,mpjpeg,mtv,mv,mvi,mxf,mxg,nc,"
    "nsv,nut,nuv,obu,ogg,paf,pmp,psxstr,pva,r3d,rawvideo,rl2,rm,roq,rpl,ser,sga,siff,simbiosis_imx,smjpeg,smk,smush,"
    "swf,thp,tiertexseq,tmv,txd,ty,usm,v210,v210x,vc1,vc1test,vividas,vivo,vmd,vvc,wc3movie,wsvqa,wtv,xmv,yop,"
    "yuv4mpegpipe";
/// What the segments of a playlist may be beside: sound and subtitles, which are tracks of their own.
constexpr const char* kOfPlaylists = ",hls,aac,ac3,eac3,mp3,flac,webvtt";
constexpr int kMostAtOnce = 256;  // files that a playlist has opened before its first picture
constexpr std::size_t kHead = 1 << 16, kMostNamed = 200;

bool is_http(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

std::string containers() {
    std::string names = kContainers;
    void* at = nullptr;
    while (const AVInputFormat* format = av_demuxer_iterate(&at))
        if (std::string_view(format->name).ends_with("_pipe")) names += std::string(",") + format->name;
    return names;
}

bool is_playlist(const AVInputFormat* format) {
    return format && (format->name == std::string_view("hls") || format->name == std::string_view("dash"));
}

/// Without what libav puts before the address of a part that it will decrypt.
std::string_view without_cipher(std::string_view url) {
    for (const std::string_view prefix : {"crypto+", "crypto:"})
        if (url.starts_with(prefix)) url.remove_prefix(prefix.size());
    return url;
}

std::string_view without_file(std::string_view url) {
    constexpr std::string_view kFile = "file:";
    url = without_cipher(url);
    if (url.starts_with(kFile)) url.remove_prefix(kFile.size());
    return url;
}

/// Whether a demuxer's files name others.
bool follows_others(std::string_view demuxer) {
    constexpr std::string_view kNames[] = {"hls", "concat", "dash", "imf", "rtsp", "sap", "sdp", "webm_dash_manifest"};
    return std::find(std::begin(kNames), std::end(kNames), demuxer) != std::end(kNames);
}

/// " that names 'clip.ts'": the first address in a text, else what the first line that is no comment says.
std::string names_first(std::string_view text) {
    constexpr std::string_view kEnds = " \t\r\n\"'<>|", kFile = "file ";
    std::size_t at = text.find("://");
    if (at != text.npos) {
        text.remove_prefix(text.find_last_of(kEnds, at) + 1);  // npos + 1 is 0
    } else {
        while (!text.empty() && (text[0] == '#' || text[0] == '\n' || text.starts_with("ffconcat")))
            text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
        if (text.starts_with(kFile)) text.remove_prefix(kFile.size());
        text.remove_prefix(std::min(text.find_first_not_of(kEnds), text.size()));
    }
    text = text.substr(0, std::min(text.find_first_of(kEnds), kMostNamed));
    return text.empty() ? "" : " that names '" + std::string(text) + "'";
}

}  // namespace

bool is_local_playlist(const std::string& path) {
    const std::string ending = lower_ending(path);
    std::error_code error;
    return (ending == "m3u8" || ending == "m3u") && fs::is_regular_file(path, error);
}

Reach::Reach(std::string path)
    : path_(std::move(path)),
      kind_(is_http(path_)             ? Kind::http
            : is_url(path_)            ? Kind::other
            : is_local_playlist(path_) ? Kind::playlist
                                       : Kind::file),
      location_(path_.empty() || is_url(path_) ? path_ : "file:" + path_),
      formats_(containers() + (kind_ == Kind::http       ? std::string(kOfPlaylists) + ",dash"
                               : kind_ == Kind::playlist ? kOfPlaylists
                               : kind_ == Kind::other    ? ",rtsp,rtp,sap"
                                                         : "")) {
    std::error_code missing;
    if (kind_ == Kind::playlist) folder_ = fs::canonical(fs::absolute(path_).parent_path(), missing);
}

void Reach::end_at(std::int64_t bytes) {
    const std::string limited = "subfile,,start,0,end," + std::to_string(bytes) + ",,:" + location_;
    const char* protocol = avio_find_protocol_name(limited.c_str());
    if (protocol && protocol == std::string_view("subfile")) location_ = limited;
}

void Reach::bound(AVFormatContext& context) {
    context.format_whitelist = av_strdup(formats_.c_str());
    const bool ends_early = location_.starts_with("subfile,");
    if (kind_ == Kind::file || kind_ == Kind::playlist)
        context.protocol_whitelist = av_strdup(ends_early ? "file,subfile" : "file,crypto,data");
    if (!context.format_whitelist) throw std::bad_alloc();
    open_ = context.io_open;
    context.opaque = this;
    context.io_open = [](AVFormatContext* c, AVIOContext** io, const char* url, int flags, AVDictionary** options) {
        return static_cast<Reach*>(c->opaque)->open(*c, io, url, flags, options);
    };
}

int Reach::open(AVFormatContext& context, AVIOContext** io, const char* url, int flags, AVDictionary** options) {
    if (!allows(context, url)) return AVERROR(EPERM);
    std::error_code error;
    const bool is_folder = kind_ == Kind::playlist && fs::is_directory(without_file(url), error);
    return is_folder ? AVERROR(EISDIR) : open_(&context, io, url, flags, options);  // which libav would find empty
}

bool Reach::allows(const AVFormatContext& context, const std::string& url) {
    if (refused_) return false;
    if (!is_playlist(context.iformat)) return url == location_ || (kind_ == Kind::http && is_http(url));
    const bool begins = context.nb_streams == 0;
    if (begins && ++opened_ > kMostAtOnce)
        return refuse("is a playlist that names more than " + std::to_string(kMostAtOnce) +
                      " others, or some in a circle; give the one that has the video");
    // A live one that lists nothing yet is asked for once more.
    if (begins && url == location_ && ++opened_itself_ > (kind_ == Kind::http ? 1 : 0))
        return refuse("is a playlist that names itself, or nothing; give the video, or a playlist that names one");
    const std::string_view part = without_cipher(url);
    if (part.starts_with("data:")) return true;
    if (kind_ == Kind::http)
        return is_http(part) || refuse("is a playlist that names '" + std::string(part) +
                                       "', which is no address of HTTP and was not opened; look what the server sends");
    return is_beside(std::string(part)) ||
           refuse("is a playlist that names '" + std::string(part) +
                  "', which is no file in its folder or below and was not opened; put it there, or give the video "
                  "itself");
}

/// One that does not exist, or is a folder, is a part that is missing, if its place is there.
bool Reach::is_beside(const std::string& url) const {
    constexpr std::string_view kFile = "file:";
    if (!url.starts_with(kFile) || folder_.empty()) return false;
    std::error_code error;
    const fs::path file = fs::weakly_canonical(url.substr(kFile.size()), error);
    if (error || *file.lexically_relative(folder_).begin() == "..") return false;
    return fs::is_regular_file(file, error) || fs::is_directory(file, error) || !fs::exists(file, error);
}

bool Reach::refuse(const std::string& what) {
    refusal_ = what;
    refused_ = true;
    return false;
}

std::string Reach::why_not(std::span<const std::uint8_t> head) const {
    std::vector<std::uint8_t> padded(head.begin(), head.end());
    padded.resize(head.size() + AVPROBE_PADDING_SIZE);
    const AVProbeData data{path_.c_str(), padded.data(), int(head.size()), nullptr};
    int score = AVPROBE_SCORE_RETRY;  // more than that
    const AVInputFormat* format = av_probe_input_format2(&data, 1, &score);
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    // A later libav knows a playlist by its name only.
    const std::string name = text.starts_with("#EXTM3U") ? "hls" : format ? format->name : "";
    if (name.empty() || av_match_list(name.c_str(), formats_.c_str(), ',') > 0) return "";
    if (!follows_others(name)) return "holds no video stream (libav calls it " + name + "); give a video or picture";
    const std::string first = name == "hls" || name == "concat" ? names_first(text) : "";
    if (name == "hls")
        return "is a playlist" + first + ", and the name of a playlist ends in .m3u8 or .m3u; nothing that it names " +
               "was opened: give the video itself, or call it a playlist";
    return "is no video but a list (" + name + ")" + first +
           "; nothing that it names was opened: give the video itself";
}

std::string Reach::why_not() const {
    std::error_code error;
    if (is_url(path_) || !fs::is_regular_file(path_, error)) return "";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "rb"), std::fclose);
    std::vector<std::uint8_t> head(kHead);
    head.resize(file ? std::fread(head.data(), 1, head.size(), file.get()) : 0);
    return why_not(head);
}

}  // namespace convoy::media
