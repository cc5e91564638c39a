// What a page shows is told by following its content's operators. Each one that is not known to leave no trace is a
// reason to say nothing: poppler then draws the page.
#include "engine/pdf/only_image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/pdf/content_tokens.h"
#include "engine/pdf/pipelines.h"

namespace pg_ocr {
namespace {

/// Thrown where it is not certain what the page shows.
struct Doubt {};

constexpr size_t most_content = 1 << 18;  ///< bytes; to follow more takes as long as to draw it
constexpr size_t deepest_form = 6, most_forms = 100, deepest_state = 100;
/// In points: what is missing at an edge shows as a line of no more than two pixels.
constexpr double edge = 0.5;

/// What an image is drawn with.
struct State {
    Affine to_page;
    std::optional<Rectangle> clip;  ///< in the page's points; everything where there is none
    double text_mode = 0;
    bool plain_font = true;  ///< invisible text is invisible in it
    bool black = true;       ///< what stencils are filled with
};

bool is_upright(const Affine& map) { return map.b == 0 && map.c == 0; }
bool lies(const Affine& map) { return map.a == 0 && map.d == 0; }

/// Around the rectangle's image.
Rectangle mapped(const Rectangle& from, const Affine& map) {
    const double x[] = {map.a * from.left + map.c * from.bottom, map.a * from.left + map.c * from.top,
                        map.a * from.right + map.c * from.bottom, map.a * from.right + map.c * from.top};
    const double y[] = {map.b * from.left + map.d * from.bottom, map.b * from.left + map.d * from.top,
                        map.b * from.right + map.d * from.bottom, map.b * from.right + map.d * from.top};
    return {*std::ranges::min_element(x) + map.e, *std::ranges::min_element(y) + map.f,
            *std::ranges::max_element(x) + map.e, *std::ranges::max_element(y) + map.f};
}

Rectangle shared_by(const Rectangle& one, const Rectangle& other) {
    return {std::max(one.left, other.left), std::max(one.bottom, other.bottom), std::min(one.right, other.right),
            std::min(one.top, other.top)};
}

bool covers(const Rectangle& cover, const Rectangle& what) {
    return cover.left <= what.left + edge && cover.bottom <= what.bottom + edge && cover.right >= what.right - edge &&
           cover.top >= what.top - edge;
}

bool is_name(QPDFObjectHandle object, const char* name) { return object.isName() && object.getName() == name; }
bool is_one(QPDFObjectHandle object) { return object.isNumber() && object.getNumericValue() == 1; }

/// Of a dictionary of graphics state: none of its entries changes how an image looks.
bool is_harmless(QPDFObjectHandle settings) {
    static const std::set<std::string> harmless{"/Type", "/LW",  "/LC", "/LJ", "/ML", "/D",   "/RI", "/OP",
                                                "/op",   "/OPM", "/FL", "/SM", "/SA", "/AIS", "/TK"};
    if (!settings.isDictionary()) return false;
    for (const std::string& key : settings.getKeys()) {
        QPDFObjectHandle value = settings.getKey(key);
        const bool plain = harmless.contains(key) || ((key == "/CA" || key == "/ca") && is_one(value)) ||
                           (key == "/BM" && (is_name(value, "/Normal") || is_name(value, "/Compatible"))) ||
                           (key == "/SMask" && is_name(value, "/None"));
        if (!plain) return false;
    }
    return true;
}

bool is_true(QPDFObjectHandle object) { return object.isBool() && object.getBoolValue(); }
bool is_zero(QPDFObjectHandle object) { return object.isInteger() && object.getIntValue() == 0; }

/// It hides all that is below it.
bool is_opaque(QPDFObjectHandle image) {
    QPDFObjectHandle within = image.getKey("/SMaskInData");
    return image.getKey("/Mask").isNull() && image.getKey("/SMask").isNull() && image.getKey("/OC").isNull() &&
           (within.isNull() || is_zero(within));
}

/// Colours of devices that mean others.
bool has_own_colours(QPDFObjectHandle resources) {
    QPDFObjectHandle spaces = resources.getKey("/ColorSpace");
    return spaces.isDictionary() &&
           (spaces.hasKey("/DefaultGray") || spaces.hasKey("/DefaultRGB") || spaces.hasKey("/DefaultCMYK"));
}

class Drawing {
  public:
    explicit Drawing(const Rectangle& box) : box_(box) {}

    void follow(const std::string& content, const QPDFObjectHandle& resources, const State& begin, size_t depth) {
        std::vector<State> states{begin};
        ContentTokens tokens(content);
        while (tokens.next()) {
            const std::string_view operation = tokens.operation();
            if (operation == "q") {
                if (states.size() == deepest_state) throw Doubt();
                states.push_back(states.back());
            } else if (operation == "Q") {
                if (states.size() == 1) throw Doubt();
                states.pop_back();
            } else {
                apply(operation, tokens.operands(), states.back(), resources, depth);
            }
        }
        if (!tokens.is_sound()) throw Doubt();
    }

    std::optional<PlacedImage> only_image() const { return others_ ? std::nullopt : image_; }

  private:
    void apply(std::string_view operation, const std::vector<Operand>& operands, State& state,
               const QPDFObjectHandle& resources, size_t depth) {
        static const std::set<std::string_view> traceless{"w",  "J",  "j",   "M",   "d",   "ri", "i",  "G",  "RG", "K",
                                                          "CS", "SC", "SCN", "BMC", "EMC", "MP", "DP", "BT", "Tc", "Tw",
                                                          "Tz", "TL", "Ts",  "Td",  "TD",  "Tm", "T*", "BX", "EX"};
        static const std::set<std::string_view> painting{"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"};
        static const std::set<std::string_view> writing{"Tj", "TJ", "'", "\""};
        if (traceless.contains(operation)) return;
        if (operation == "cm") {
            const auto n = numbers<6>(operands);
            state.to_page = then({n[0], n[1], n[2], n[3], n[4], n[5]}, state.to_page);
        } else if (operation == "Do") {
            draw(named(operands, resources, "/XObject"), state, resources, depth);
        } else if (operation == "gs") {
            if (!is_harmless(named(operands, resources, "/ExtGState"))) throw Doubt();
        } else if (operation == "re") {
            const auto n = numbers<4>(operands);
            const Rectangle drawn{std::min(n[0], n[0] + n[2]), std::min(n[1], n[1] + n[3]), std::max(n[0], n[0] + n[2]),
                                  std::max(n[1], n[1] + n[3])};
            const bool is_rectangle = path_ == Path::none && (is_upright(state.to_page) || lies(state.to_page));
            path_ = is_rectangle ? Path::rectangle : Path::other;
            rectangle_ = mapped(drawn, state.to_page);
        } else if (operation == "m" || operation == "l" || operation == "c" || operation == "v" || operation == "y" ||
                   operation == "h") {
            path_ = Path::other;
        } else if (operation == "W" || operation == "W*") {
            clips_ = true;
        } else if (operation == "n") {
            end_path(state);
        } else if (painting.contains(operation)) {
            if (path_ != Path::none) others_ = true;
            end_path(state);
        } else if (operation == "sh") {
            others_ = true;
        } else if (operation == "Tr") {
            state.text_mode = numbers<1>(operands)[0];
        } else if (operation == "Tf") {
            use_font(operands, state, resources);
        } else if (writing.contains(operation)) {
            if (state.text_mode != 3 || !state.plain_font) others_ = true;
            if (state.text_mode > 3) throw Doubt();  // it clips what comes
        } else if (operation == "ET" || operation == "BDC") {
            if (operation == "BDC" && (operands.empty() || operands[0].name == "/OC")) throw Doubt();
        } else if (operation == "g" || operation == "rg" || operation == "k") {
            state.black = is_black(operation, operands);
        } else if (operation == "cs" || operation == "sc" || operation == "scn") {
            state.black = false;
        } else {
            throw Doubt();
        }
    }

    static bool is_black(std::string_view operation, const std::vector<Operand>& operands) {
        std::vector<double> values;
        values.reserve(operands.size());
        for (const Operand& operand : operands) values.push_back(operand.number);
        if (operation == "g") return values == std::vector<double>{0};
        if (operation == "rg") return values == std::vector<double>{0, 0, 0};
        return values == std::vector<double>{0, 0, 0, 1};
    }

    template <size_t count>
    static std::array<double, count> numbers(const std::vector<Operand>& operands) {
        constexpr double farthest = 1e7;
        if (operands.size() != count) throw Doubt();
        std::array<double, count> values{};
        for (size_t i = 0; i < count; ++i) {
            if (operands[i].kind != Operand::Kind::number || std::fabs(operands[i].number) > farthest) throw Doubt();
            values.at(i) = operands[i].number;
        }
        return values;
    }

    static QPDFObjectHandle named(const std::vector<Operand>& operands, QPDFObjectHandle resources, const char* kind) {
        if (operands.empty() || operands[0].kind != Operand::Kind::name || !resources.isDictionary()) throw Doubt();
        QPDFObjectHandle all = resources.getKey(kind);
        if (!all.isDictionary()) throw Doubt();
        return all.getKey(operands[0].name);
    }

    /// Glyphs that are pictures are shown in every mode.
    static void use_font(const std::vector<Operand>& operands, State& state, const QPDFObjectHandle& resources) {
        QPDFObjectHandle font = named(operands, resources, "/Font");
        state.plain_font =
            font.isDictionary() && font.getKey("/Subtype").isName() && !is_name(font.getKey("/Subtype"), "/Type3");
    }

    void end_path(State& state) {
        if (clips_ && path_ == Path::rectangle)
            state.clip = state.clip ? shared_by(*state.clip, rectangle_) : rectangle_;
        else if (clips_)
            state.clip = Rectangle{};  // nothing is certain to be within
        path_ = Path::none;
        clips_ = false;
    }

    void draw(QPDFObjectHandle object, const State& state, const QPDFObjectHandle& resources, size_t depth) {
        if (!object.isStream()) throw Doubt();
        QPDFObjectHandle dictionary = object.getDict();
        if (is_name(dictionary.getKey("/Subtype"), "/Image"))
            place(object, state);
        else if (is_name(dictionary.getKey("/Subtype"), "/Form"))
            draw_form(object, state, resources, depth);
        else
            throw Doubt();
    }

    void place(QPDFObjectHandle object, const State& state) {
        QPDFObjectHandle dictionary = object.getDict();
        const Rectangle place = mapped({0, 0, 1, 1}, state.to_page);
        const Rectangle shown = shared_by(place, box_);
        if (shown.left >= shown.right || shown.bottom >= shown.top) return;
        const bool whole = !state.clip || covers(*state.clip, shown);
        const bool fills = whole && covers(place, box_) && (is_upright(state.to_page) || lies(state.to_page));
        const bool is_stencil = is_true(dictionary.getKey("/ImageMask"));
        const bool hides = fills && is_opaque(dictionary) && !is_stencil;
        if (hides) {
            others_ = false;
            image_.reset();
        }
        if (image_ || !whole || !is_opaque(dictionary) || (is_stencil && !state.black)) others_ = true;
        image_ = PlacedImage{object, state.to_page};
    }

    void draw_form(QPDFObjectHandle form, State state, const QPDFObjectHandle& resources, size_t depth) {
        QPDFObjectHandle dictionary = form.getDict();
        if (depth == deepest_form || ++forms_ > most_forms || !dictionary.getKey("/OC").isNull() ||
            !dictionary.getKey("/Group").isNull())
            throw Doubt();
        QPDFObjectHandle matrix = dictionary.getKey("/Matrix");
        if (matrix.isArray() && matrix.getArrayNItems() == 6) {
            std::array<double, 6> n{};
            for (int i = 0; i < 6; ++i) {
                if (!matrix.getArrayItem(i).isNumber()) throw Doubt();
                n.at(static_cast<size_t>(i)) = matrix.getArrayItem(i).getNumericValue();
            }
            state.to_page = then({n[0], n[1], n[2], n[3], n[4], n[5]}, state.to_page);
        } else if (!matrix.isNull()) {
            throw Doubt();
        }
        const std::optional<Rectangle> bounds = rectangle_of(dictionary.getKey("/BBox"));
        if (!bounds) throw Doubt();
        const bool is_rectangle = is_upright(state.to_page) || lies(state.to_page);
        const Rectangle within = is_rectangle ? mapped(*bounds, state.to_page) : Rectangle{};
        state.clip = state.clip ? shared_by(*state.clip, within) : within;
        const std::optional<std::string> content = decoded_stream(form, most_content);
        if (!content) throw Doubt();
        QPDFObjectHandle own = dictionary.getKey("/Resources");
        if (own.isDictionary() && has_own_colours(own)) throw Doubt();
        follow(*content, own.isDictionary() ? own : resources, state, depth + 1);
    }

    enum class Path : uint8_t { none, rectangle, other };
    Rectangle box_;
    Path path_ = Path::none;
    Rectangle rectangle_;  ///< in the page's points
    bool clips_ = false;
    std::optional<PlacedImage> image_;
    bool others_ = false;
    size_t forms_ = 0;
};

/// Poppler is not asked to draw annotations, but who looks at the page sees them.
bool has_annotations(QPDFPageObjectHelper& page) {
    QPDFObjectHandle annotations = page.getAttribute("/Annots", false);
    if (annotations.isNull()) return false;
    if (!annotations.isArray()) return true;
    for (const QPDFObjectHandle& annotation : annotations.getArrayAsVector()) {
        QPDFObjectHandle dictionary = annotation;
        if (!dictionary.isDictionary()) return true;
        QPDFObjectHandle kind = dictionary.getKey("/Subtype");
        if (!is_name(kind, "/Link") && !is_name(kind, "/Popup")) return true;
    }
    return false;
}

}  // namespace

std::optional<std::string> decoded_stream(QPDFObjectHandle stream, size_t at_most) {
    struct TooLong : std::runtime_error {
        TooLong() : std::runtime_error("the stream is longer than expected") {}
    };
    std::string content;
    Outlet outlet([&](std::string_view piece) {
        if (piece.size() > at_most - content.size()) throw TooLong();
        content += piece;
    });
    try {
        bool is_decoded = false;
        const bool is_whole = stream.pipeStreamData(&outlet, &is_decoded, 0, qpdf_dl_generalized, true);
        QPDFObjectHandle filter = stream.getDict().getKey("/Filter");
        const bool has_filter = !filter.isNull() && !(filter.isArray() && filter.getArrayNItems() == 0);
        if (!is_whole || (has_filter && !is_decoded)) return std::nullopt;
    } catch (const TooLong&) {
        return std::nullopt;
    }
    return content;
}

std::optional<PlacedImage> only_image_on(QPDFPageObjectHelper& page, const Rectangle& box) {
    if (has_annotations(page)) return std::nullopt;
    QPDFObjectHandle resources = page.getAttribute("/Resources", false);
    if (!resources.isDictionary() || has_own_colours(resources)) return std::nullopt;
    std::string content;
    for (const QPDFObjectHandle& part : page.getPageContents()) {
        const std::optional<std::string> decoded = decoded_stream(part, most_content - content.size());
        if (!decoded || decoded->size() + content.size() >= most_content) return std::nullopt;
        content += *decoded + '\n';
    }
    try {
        Drawing drawing(box);
        drawing.follow(content, resources, {}, 0);
        return drawing.only_image();
    } catch (const Doubt&) {
        return std::nullopt;
    }
}

}  // namespace pg_ocr
