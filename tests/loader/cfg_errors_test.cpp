// SPDX-License-Identifier: MIT
//
// Every way in which a cfg can be wrong, with what the message must name.
#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

struct Case {
    std::string cfg;
    std::vector<const char*> named;  // parts of the message
};

void check(const std::vector<Case>& cases, ErrorKind kind = ErrorKind::model) {
    for (const Case& c : cases) {
        const std::string message = cfg_error(c.cfg, kind);
        for (const char* part : c.named) {
            INFO("cfg:\n" << c.cfg << "\nmessage: " << message << "\nmust name: " << part);
            CHECK(message.find(part) != std::string::npos);
        }
    }
}

// Lines 1 to 4; what follows begins on line 5.
const std::string kNet = "[net]\nwidth=64\nheight=64\nchannels=3\n";
// A convolution on lines 5 to 9 that leaves 18 channels; what follows begins on line 10 as layer 1.
const std::string kConv = kNet + "[convolutional]\nfilters=18\nsize=3\nstride=2\npad=1\n";

std::string conv(const std::string& keys) { return kNet + "[convolutional]\nfilters=8\n" + keys + "\n"; }
std::string yolo(const std::string& keys) { return kConv + "[yolo]\n" + keys + "\n"; }
std::string route(const std::string& keys) { return kConv + "[route]\n" + keys + "\n"; }
std::string shortcut(const std::string& keys) { return kConv + "[shortcut]\n" + keys + "\n"; }

}  // namespace

TEST_CASE("what is not a cfg", "[errors]") {
    check({
        {"", {"net.cfg", "no section"}},
        {"# nothing\n\n; here\n", {"net.cfg", "no section"}},
        {std::string("\x7f"
                     "ELF\0\1\2",
                     7),
         {"net.cfg:1", "not text"}},
        {kNet + std::string("[conv]\nfil\0ters=3\n", 18), {"net.cfg:6", "not text"}},
        {"width=416\n[net]\n", {"net.cfg:1", "'width=416'", "before the first section"}},
        {"<!DOCTYPE html>\n", {"net.cfg:1", "before the first section"}},
        {"[net]\nwidth\n", {"net.cfg:2", "[net]", "'width'", "key=value"}},
        {"[net]\nwidth=\n[avgpool]\n", {"net.cfg:2", "[net]", "'width'", "no value"}},
        {"[net]\nwidth=#416\n[avgpool]\n", {"net.cfg:2", "[net]", "'width'", "no value"}},
        {"[net]\nwidth #=416\n", {"net.cfg:2", "[net]", "'width'", "key=value"}},
        {"[net]\n=416\n", {"net.cfg:2", "[net]", "no key"}},
        {"[net\nwidth=416\n", {"net.cfg:1", "'[net'", "[name]"}},
        {"[net] # first\n", {"net.cfg:1", "line of their own"}},
        {"[]\n", {"net.cfg:1", "'[]'"}},
        {"[n\xc3\xa4t]\n", {"net.cfg:1", "\\xc3"}},
        {std::string(5 << 20, '#'), {"net.cfg", "4 MiB"}},
    });
}

TEST_CASE("the order of sections", "[errors]") {
    check({
        {"[convolutional]\nfilters=3\n", {"net.cfg:1", "[convolutional]", "[net]"}},
        {kNet, {"net.cfg:1", "[net]", "no layer"}},
        {kConv + "[net]\nwidth=64\n", {"net.cfg:10", "[net]", "twice"}},
        {kConv + "[network]\nwidth=64\n", {"net.cfg:10", "[network]", "twice"}},
        {kNet + "[convolutionel]\nfilters=3\n", {"net.cfg:5", "[convolutionel]", "did you mean 'convolutional'"}},
        {kNet + "[Yolo]\nclasses=3\n", {"net.cfg:5", "[Yolo]", "did you mean 'yolo'"}},
        {kNet + "[quux]\n", {"net.cfg:5", "[quux]", "not known"}},
    });
}

TEST_CASE("keys of [net]", "[errors]") {
    check({
        {"[net]\nheight=64\nchannels=3\n[avgpool]\n", {"net.cfg:1", "[net]", "'width'", "missing"}},
        {"[net]\nwidth=64\nchannels=3\n[avgpool]\n", {"net.cfg:1", "'height'", "missing"}},
        {"[net]\nwidth=64\nheight=64\n[avgpool]\n", {"net.cfg:1", "'channels'", "missing"}},
        {"[net]\nwidht=64\nheight=64\nchannels=3\n[avgpool]\n",
         {"net.cfg:2", "[net]", "'widht'", "did you mean 'width'"}},
        {"[net]\nwidth=0\nheight=64\nchannels=3\n[avgpool]\n", {"net.cfg:2", "'width'", "is 0", "1 to 65536"}},
        {"[net]\nwidth=64\nheight=-64\nchannels=3\n[avgpool]\n", {"net.cfg:3", "'height'", "is -64"}},
        {"[net]\nwidth=64\nheight=64\nchannels=99999\n[avgpool]\n", {"net.cfg:4", "'channels'", "99999"}},
        {kNet + "letter_box=2\n[avgpool]\n", {"net.cfg:5", "'letter_box'", "0 to 1"}},
        {"[net]\nwidth=65536\nheight=65536\nchannels=3\n[dropout]\n[conv]\nfilters=1\n",
         {"net.cfg:6", "layer 1", "1e9"}},
    });
}

TEST_CASE("numbers are followed by nothing else", "[errors]") {
    for (const char* bad : {"3x", "3.0", "0x3", "1e1", "--3", "+-3", "+", "3,", "three", "99999999999"}) {
        const std::string message = cfg_error(conv(std::string("size=") + bad));
        INFO(message);
        CHECK(message.find("net.cfg:7: [convolutional] (layer 0) key 'size' is '" + std::string(bad)) != message.npos);
        CHECK(message.find("not a whole number") != message.npos);
    }
    for (const char* bad : {"1x", "nan", "inf", "-inf", "NaN", "1e999", "1e-999", "1,2", "0x1p3", "1.5.2"}) {
        const std::string message = cfg_error(kNet + "[upsample]\nscale=" + bad + "\n");
        INFO(message);
        CHECK(message.find("net.cfg:6: [upsample] (layer 0) key 'scale' is '" + std::string(bad)) != message.npos);
        CHECK(message.find("not a number") != message.npos);
    }
    for (const char* good : {"size=3", "size=3#note", "size=3 ; note", "size= +3 ", "size=03", "size=\t3\r"})
        CHECK(cfg_error(conv(good)) == "no error");
    for (const char* good : {"1e-5", "+1.5", ".5", "2.", "-1"})
        CHECK(cfg_error(kNet + "[upsample]\nscale=" + good + "\n") == "no error");
}

TEST_CASE("keys of [convolutional]", "[errors]") {
    check({
        {kNet + "[convolutional]\nsize=3\n", {"net.cfg:5", "[convolutional]", "layer 0", "'filters'", "missing"}},
        {kNet + "[conv]\nfiltres=3\n", {"net.cfg:6", "[conv]", "layer 0", "'filtres'", "did you mean 'filters'"}},
        {kNet + "[conv]\nfilters=-32\n", {"net.cfg:6", "'filters'", "is -32"}},
        {kNet + "[conv]\nfilters=0\n", {"net.cfg:6", "'filters'", "is 0"}},
        {conv("stride=0"), {"net.cfg:7", "'stride'", "is 0"}},
        {conv("stride_x=-1"), {"net.cfg:7", "'stride_x'", "is -1"}},
        {conv("stride_y=0"), {"net.cfg:7", "'stride_y'", "is 0"}},
        {conv("size=0"), {"net.cfg:7", "'size'", "is 0"}},
        {conv("size=2000000000"), {"net.cfg:7", "'size'", "2000000000"}},
        {conv("padding=-1"), {"net.cfg:7", "'padding'", "is -1"}},
        {conv("pad=2"), {"net.cfg:7", "'pad'", "0 to 1"}},
        {conv("dilation=0\nsize=3"), {"net.cfg:7", "'dilation'"}},
        {conv("groups=3"), {"net.cfg:7", "'groups'", "is 3", "filters=8"}},
        {conv("groups=2"), {"net.cfg:5", "[convolutional]", "layer 0", "groups=2", "3 input channels"}},
        {conv("groups=0"), {"net.cfg:7", "'groups'"}},
        {conv("batch_normalize=yes"), {"net.cfg:7", "'batch_normalize'", "'yes'"}},
        {conv("activation=leeky"), {"net.cfg:7", "'activation'", "'leeky'", "did you mean 'leaky'"}},
        {conv("size=65"), {"net.cfg:5", "layer 0", "window of 65", "64 rows", "empty"}},
        {conv("stride=2\nsize=66\npadding=0"), {"net.cfg:5", "layer 0", "empty"}},
        {"[net]\nwidth=2000\nheight=2000\nchannels=1000\n[conv]\nfilters=65536\n", {"net.cfg:5", "layer 0", "1e9"}},
        {"[net]\nwidth=2\nheight=2\nchannels=60000\n[conv]\nfilters=65536\nsize=2\n",
         {"net.cfg:5", "filters=65536", "1e9 weights"}},
    });
}

TEST_CASE("keys of [route]", "[errors]") {
    check({
        {route("groups=2"), {"net.cfg:10", "[route]", "layer 1", "'layers'", "missing"}},
        {route("layers=1"), {"net.cfg:11", "[route]", "layer 1", "'layers'", "names layer 1", "earlier"}},
        {route("layers=-1,5"), {"net.cfg:11", "'layers'", "names layer 5", "0 to 0"}},
        {route("layers=-2"), {"net.cfg:11", "'layers'", "names layer -2"}},
        {route("layers=-2147483648"), {"net.cfg:11", "'layers'", "-2147483648"}},
        {route("layers=2147483647"), {"net.cfg:11", "'layers'", "2147483647"}},
        {route("layers=-1,"), {"net.cfg:11", "'layers'", "''"}},
        {route("layers=,-1"), {"net.cfg:11", "'layers'", "''"}},
        {route("layers=-1,,0"), {"net.cfg:11", "'layers'"}},
        {route("layers=-1 x"), {"net.cfg:11", "'layers'", "'-1x'"}},
        {kNet + "[route]\nlayers=0\n", {"net.cfg:6", "layer 0", "'layers'", "no layer before"}},
        {kNet + "[route]\nlayers=-1\n", {"net.cfg:6", "layer 0", "'layers'", "no layer before"}},
        {route("layers=-1\ngroups=4"), {"net.cfg:10", "layer 1", "groups=4", "18 channels"}},
        {route("layers=-1\ngroups=2\ngroup_id=2"), {"net.cfg:13", "'group_id'", "is 2", "0 to 1"}},
        {route("layers=-1\ngroup_id=-1"), {"net.cfg:12", "'group_id'"}},
        {kConv + "[conv]\nfilters=4\nstride=2\n[route]\nlayers=-1,-2\n",
         {"net.cfg:13", "[route]", "layer 2", "layers", "32x32x18", "16x16x4", "width and height"}},
    });
}

TEST_CASE("keys of [shortcut]", "[errors]") {
    check({
        {shortcut("activation=linear"), {"net.cfg:10", "[shortcut]", "layer 1", "'from'", "missing"}},
        {shortcut("from=1"), {"net.cfg:11", "'from'", "names layer 1"}},
        {shortcut("from=7"), {"net.cfg:11", "'from'", "names layer 7"}},
        {shortcut("from=-2"), {"net.cfg:11", "'from'", "names layer -2"}},
        {shortcut("form=-1"), {"net.cfg:11", "'form'", "did you mean 'from'"}},
        {kConv + "[conv]\nfilters=18\nstride=2\n[shortcut]\nfrom=-2\n",
         {"net.cfg:13", "[shortcut]", "layer 2", "from", "32x32x18", "16x16x18", "width and height"}},
    });
}

TEST_CASE("keys of the other layers", "[errors]") {
    check({
        {kNet + "[upsample]\nstride=0\n", {"net.cfg:6", "[upsample]", "'stride'", "is 0"}},
        {kNet + "[upsample]\nstride=-2\n", {"net.cfg:6", "[upsample]", "'stride'", "is -2"}},
        {kNet + "[upsample]\nscale=1e9\n", {"net.cfg:6", "[upsample]", "'scale'"}},
        {kNet + "[upsample]\nstride=1024\n[upsample]\nstride=1024\n", {"net.cfg:5", "[upsample]", "layer 0", "1e9"}},
        {kNet + "[maxpool]\nstride=0\n", {"net.cfg:6", "[maxpool]", "'stride'"}},
        {kNet + "[maxpool]\nsize=0\n", {"net.cfg:6", "[maxpool]", "'size'"}},
        {kNet + "[max]\nsize=2\npadding=3\n", {"net.cfg:7", "[max]", "'padding'", "0 to 2"}},
        {kNet + "[maxpool]\nsize=70\npadding=0\n", {"net.cfg:5", "[maxpool]", "layer 0", "window of 70", "empty"}},
        {kNet + "[maxpool]\nsizes=2\n", {"net.cfg:6", "[maxpool]", "'sizes'", "did you mean 'size'"}},
        {kNet + "[dropout]\nprobability=2\n", {"net.cfg:6", "[dropout]", "'probability'", "0 to 1"}},
        {kNet + "[dropout]\nprobabilty=.5\n", {"net.cfg:6", "[dropout]", "did you mean 'probability'"}},
    });
}

TEST_CASE("keys of [yolo]", "[errors]") {
    const std::string good = "classes=1\nnum=3\nanchors=1,2,3,4,5,6";
    CHECK(cfg_error(yolo(good)) == "no error");
    check({
        {yolo("classes=1\nnum=3"), {"net.cfg:10", "[yolo]", "layer 1", "'anchors'", "missing"}},
        {yolo("classes=1\nnum=3\nancors=1,2,3,4,5,6"), {"net.cfg:13", "'ancors'", "did you mean 'anchors'"}},
        {yolo("classes=1\nnum=3\nanchors=1,2,3,4"), {"net.cfg:13", "'anchors'", "4 numbers", "num=3", "6"}},
        {yolo("classes=1\nnum=3\nanchors=1,2,3,4,5"), {"net.cfg:13", "'anchors'", "5 numbers"}},
        {yolo("classes=1\nnum=1\nanchors=1,-2"), {"net.cfg:13", "'anchors'", "number 0", "positive"}},
        {yolo("classes=1\nnum=1\nanchors=1,nan"), {"net.cfg:13", "'anchors'", "'nan'"}},
        {yolo(good + "\nmask=0,1,3"), {"net.cfg:14", "'mask'", "anchor 3", "0 to 2"}},
        {yolo(good + "\nmask=-1"), {"net.cfg:14", "'mask'", "anchor -1"}},
        {yolo(good + "\nmask=0,"), {"net.cfg:14", "'mask'", "''"}},
        {yolo(good + "\nmask=0,1"),
         {"net.cfg:10", "[yolo]", "layer 1", "18 channels", "mask", "need 12", "filters=12"}},
        {yolo("classes=80\nnum=3\nanchors=1,2,3,4,5,6"), {"net.cfg:10", "18 channels", "classes=80", "need 255"}},
        {yolo("num=3\nanchors=1,2,3,4,5,6"), {"net.cfg:10", "18 channels", "classes=20", "need 75"}},
        {yolo("classes=0\nnum=3\nanchors=1,2,3,4,5,6"), {"net.cfg:11", "'classes'", "is 0"}},
        {yolo("classes=1\nnum=0\nanchors=1,2"), {"net.cfg:12", "'num'", "is 0"}},
        {yolo(good + "\nnms_kind=greedy"), {"net.cfg:14", "'nms_kind'", "'greedy'", "greedynms"}},
        {yolo(good + "\nscale_x_y=-1"), {"net.cfg:14", "'scale_x_y'"}},
        {yolo(good + "\nnew_coords=2"), {"net.cfg:14", "'new_coords'"}},
        {yolo(good) + "[route]\nlayers=-2\n[yolo]\nclasses=4\nnum=2\nanchors=1,2,3,4\n",
         {"net.cfg:16", "[yolo]", "layer 3", "classes=4", "first head has 1"}},
    });
}

TEST_CASE("layers that are rare", "[errors]") {
    check({
        {kConv + "[reorg]\nstride=0\n", {"net.cfg:11", "[reorg]", "'stride'", "is 0"}},
        {kConv + "[reorg]\nstride=2\n", {"net.cfg:10", "multiples of 4", "18"}},
        {kConv + "[reorg3d]\nstride=5\n", {"net.cfg:10", "[reorg3d]", "does not divide", "32x32x18"}},
        {kConv + "[sam]\n", {"net.cfg:10", "[sam]", "'from'", "missing"}},
        {kConv + "[sam]\nfrom=-1,-1\n", {"net.cfg:11", "[sam]", "'from'", "2 layers"}},
        {kConv + "[sam]\nfrom=1\n", {"net.cfg:11", "'from'", "names layer 1"}},
        {kConv + "[conv]\nfilters=3\n[sam]\nfrom=0\n", {"net.cfg:12", "[sam]", "32x32x18", "32x32x3", "equal"}},
        {kConv + "[scale_channels]\nfrom=0\n", {"net.cfg:10", "[scale_channels]", "must have 1x1x18"}},
        {kConv + "[scale_channels]\nfrom=0\nscale_wh=1\n", {"net.cfg:10", "must have 32x32x1"}},
        {kConv + "[crop]\ncrop_height=33\ncrop_width=4\n", {"net.cfg:10", "[crop]", "crop_height=33", "32x32x18"}},
        {kConv + "[maxpool]\nmaxpool_depth=1\nout_channels=19\n", {"net.cfg:10", "out_channels=19", "18"}},
        {kConv + "[local_avgpool]\nsize=40\npadding=0\n", {"net.cfg:10", "[local_avgpool]", "empty"}},
        {kConv + "[connected]\noutput=0\n", {"net.cfg:11", "[connected]", "'output'", "is 0"}},
        {kConv + "[connected]\noutput=65536\n", {"net.cfg:10", "[connected]", "1e9 weights"}},
        {kConv + "[conv]\nfilters=18\nshare_index=-1\n", {"net.cfg:10", "layer 1", "share_index", "another shape"}},
        {kConv + "[conv]\nfilters=18\nshare_index=1\n", {"net.cfg:12", "'share_index'", "names layer 1"}},
        {kConv + "[avgpool]\n[conv]\nfilters=18\nshare_index=-1\n", {"net.cfg:11", "no [convolutional]"}},
        {kConv + "[local]\nfilters=0\n", {"net.cfg:11", "[local]", "'filters'", "is 0"}},
        {kConv + "[local]\nfilters=60000\nsize=3\n", {"net.cfg:10", "[local]", "1e9"}},
        {kConv + "[detection]\nclasses=3\nnum=2\nside=3\ncoords=4\nsqrt=1\n",
         {"net.cfg:10", "[detection]", "18432 numbers", "need 117"}},
        {kConv + "[detection]\nclasses=3\n", {"net.cfg:10", "[detection]", "'coords'", "missing"}},
        {conv("antialiasing=3"), {"net.cfg:7", "'antialiasing'", "0 to 2"}},
        {kConv + "[region]\nclasses=4\nnum=3\nanchors=1,2,3,4,5,6\n",
         {"net.cfg:10", "[region]", "18 channels", "need 27"}},
        {kConv + "[Gaussian_yolo]\nclasses=1\nnum=2\nanchors=1,2,3,4\n",
         {"net.cfg:10", "[Gaussian_yolo]", "18 channels", "need 20"}},
        {kConv + "[Gaussian_yolo]\nclasses=9\nnum=1\nanchors=1,2\nyolo_point=top\n",
         {"net.cfg:14", "'yolo_point'", "'top'", "left_top"}},
    });
}

TEST_CASE("what Darknet has and this loader has not is unsupported, and says so", "[errors]") {
    std::vector<Case> cases;
    for (const char* name : {"cost", "implicit", "l2norm", "deconvolutional"})
        cases.push_back({kNet + "[" + name + "]\noutput=3\n", {"net.cfg:5", name, "not implemented"}});
    for (const char* name : {"crnn", "lstm", "rnn", "gru", "conv_lstm", "history"})
        cases.push_back({kNet + "[" + name + "]\noutput=3\n", {"net.cfg:5", name, "recurrent"}});
    cases.push_back({kNet + "[contrastive]\nclasses=3\n", {"net.cfg:5", "[contrastive]", "tracker"}});
    for (const char* key : {"binary", "sway", "rotate", "stretch", "stretch_sway", "flipped", "reverse", "coordconv",
                            "dontload", "dontloadscales", "numload"})
        cases.push_back(
            {conv(std::string(key) + "=1"), {"net.cfg:7", "[convolutional]", "layer 0", key, "not implemented"}});
    cases.push_back({kNet + "[reorg]\nreverse=1\n", {"net.cfg:6", "[reorg]", "'reverse'", "not implemented"}});
    cases.push_back({kConv + "[softmax]\ntree=9k.tree\n", {"net.cfg:11", "[softmax]", "'tree'", "classifier"}});
    cases.push_back({kConv + "[local]\nsize=5\npad=1\n", {"net.cfg:12", "[local]", "'pad'", "size=3"}});
    cases.push_back({kConv + "[detection]\ncoords=4\nsqrt=0\n", {"net.cfg:12", "'sqrt'", "only 1"}});
    cases.push_back({kConv + "[softmax]\n", {"net.cfg:10", "[softmax]", "layer 1", "one pixel", "not implemented"}});
    cases.push_back(
        {kConv + "[sam]\nfrom=-1\nactivation=normalize_channels\n",
         {"net.cfg:12", "[sam]", "'activation'", "normalize_channels", "implemented for [convolutional] and"}});
    cases.push_back({kConv + "[region]\nclasses=13\nanchors=1,2\nclassfix=-1\n",
                     {"net.cfg:13", "[region]", "'classfix'", "is -1", "below 0.5"}});
    cases.push_back({conv("size=3\ndilation=2"), {"net.cfg:8", "'dilation'", "pad=1"}});
    cases.push_back({shortcut("from=-1\nweights_type=per_channel"), {"net.cfg:12", "'weights_type'"}});
    cases.push_back({shortcut("from=-1\nalpha=.5"), {"net.cfg:12", "'alpha'"}});
    cases.push_back({kNet + "time_steps=3\n[avgpool]\n", {"net.cfg:5", "[net]", "'time_steps'"}});
    cases.push_back({yolo("classes=1\nnum=3\nanchors=1,2,3,4,5,6\nnms_kind=cornersnms"), {"net.cfg:14", "'nms_kind'"}});
    cases.push_back({yolo("classes=1\nnum=3\nanchors=1,2,3,4,5,6") + "[dropout]\n",
                     {"net.cfg:14", "[dropout]", "layer 2", "layer 1", "head"}});
    check(cases, ErrorKind::unsupported);
    CHECK(cfg_error(conv("binary=0\nflipped=0")) == "no error");
}
