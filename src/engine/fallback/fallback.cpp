#include "engine/fallback/fallback.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "engine/fallback/doubtful_lines.h"
#include "engine/layout/ink.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/write/json_string.h"
#include "engine/write/page_text.h"

namespace pg_ocr {
namespace {

size_t most_readings(Tier tier) {
    switch (tier) {
        case Tier::fast:
            return 2;
        case Tier::balanced:
            return 5;
        case Tier::accurate:
            return 13;
    }
    return 1;
}

/// From where on no better reading is looked for.
float enough_for(const ReadRequest& request) {
    constexpr float accurate_enough = 97;
    return request.tier == Tier::accurate ? std::max(request.enough, accurate_enough) : request.enough;
}

std::string failure_of(const std::exception& error) {
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "it did not fit into the engine's memory";
    const auto* told = dynamic_cast<const DocumentError*>(&error);
    return told != nullptr ? told->failure.message : error.what();
}

int64_t ms_since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
}

/// Times those of the page.
float pixels_of(const Treatment& treatment) { return treatment.enlarged * treatment.enlarged; }

/// By estimate, how many words are right.
float right_words(const PageReading& reading) { return static_cast<float>(reading.words) * reading.estimate / 100; }

/// So much better that it is no accident. One that is sure of a few words since it lost the others is not.
bool is_better(const PageReading& other, const PageReading& best, const Way& way) {
    constexpr float least = 25, fewest_words = 0.7f;
    if (other.words == 0) return false;
    if (best.words == 0) return other.estimate >= least;
    if (right_words(other) < fewest_words * right_words(best)) return false;
    if (way.makes_level) return other.estimate > best.estimate - way.margin && turn_of_lines(other.layout) == 0;
    return other.estimate > best.estimate + way.margin;
}

/// What the words and the ink in the same pixels say of a reading.
void tell(PageReading& reading, PIX* ink) {
    reading.words = word_count(reading.layout);
    reading.mean_confidence = confidence_of(reading.layout);
    if (reading.words == 0) return;
    reading.signs = signs_of(reading.layout, ink);
    reading.estimate = estimate_of(reading.signs);
}

class Tries {
  public:
    Tries(const Means& means, const ReadRequest& request, Clock::time_point until)
        : means_(means), request_(request), until_(until) {}

    BestReading all() {
        read_first();
        while (const std::optional<Way> way = next()) attempt(*way);
        if (request_.tier != Tier::fast && may_go_on() && best_.reading.words > 0 &&
            best_.reading.estimate < enough_for(request_))
            read_lines_anew();
        if (best_.tries.size() > 1) best_.tries[won_].won = true;
        return std::move(best_);
    }

  private:
    /// What it throws is the page's outcome.
    void read_first() {
        const Clock::time_point begin = Clock::now();
        Treatment treatment;
        treatment.page_segmentation_mode = request_.page_segmentation_mode;
        PageImage image = means_.image_of_page();
        if (request_.deskew) treatment.skew = skew_of(black_on_white(image.pixels.get()).get()).degrees;
        best_.reading = read_as(image, treatment, means_.read, until_);
        seen_.push_back(treatment);
        take(image);
        const int64_t ms = ms_since(begin);
        longest_ms_ = static_cast<float>(ms);
        best_.tries.push_back({"as it is", best_.reading.estimate, best_.reading.words, ms, false, {}});
    }

    /// The reading at hand is the best so far.
    void take(const PageImage& image) {
        won_ = best_.tries.size();
        ways_.clear();
        if (request_.tier == Tier::fast) {
            if (std::optional<Way> way = other_lines_for(best_.reading)) ways_.push_back(*std::move(way));
            return;
        }
        if (best_.reading.layout.lines_by == Recogniser::own && best_.reading.estimate >= enough_for(request_)) {
            ways_ = ways_for_good(best_.reading, light_on(image.pixels.get()), request_);
            return;
        }
        try {
            ways_ = ways_for(best_.reading, appearance_of(image), request_, has_best_models());
        } catch (const std::bad_alloc&) {
            ways_.clear();  // what would not fit into memory is not tried
        }
    }

    bool has_best_models() const { return request_.tier == Tier::accurate && means_.has_best_models; }

    std::optional<Way> next() {
        const bool is_enough = best_.reading.estimate >= enough_for(request_);
        for (const Way& way : ways_) {
            if (is_enough && !way.even_if_enough) continue;
            if (std::ranges::find(seen_, way.treatment) != seen_.end()) continue;
            if (may_go_on(pixels_of(way.treatment))) return way;
        }
        return std::nullopt;
    }

    /// What a try hangs in may be a library, which does not look at the clock: a page that was read is not put at risk.
    /// A try of so many times the pixels takes so many times as long.
    bool may_go_on(float pixels = 1) const {
        constexpr float careful = 4;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count();
        return best_.tries.size() < most_readings(request_.tier) &&
               static_cast<float>(left) > careful * pixels * longest_ms_;
    }

    void attempt(const Way& way) {
        seen_.push_back(way.treatment);
        attempt(way.name, pixels_of(way.treatment), [&] {
            PageImage image = means_.image_of_page();
            PageReading reading = read_as(image, way.treatment, means_.read, until_);
            Try done{way.name, reading.estimate, reading.words, 0, false, {}};
            if (is_better(reading, best_.reading, way)) {
                best_.reading = std::move(reading);
                take(image);
            }
            return done;
        });
    }

    void read_lines_anew() {
        const char* const name = "doubtful lines";
        attempt(name, 1, [&] {
            PageImage image = treated(means_.image_of_page(), in_page_pixels(best_.reading.treatment));
            image.ink = black_on_white(image.pixels.get());
            PageReading reading = best_.reading;
            read_doubtful_lines(reading.layout, image, [&](PageImage& line, const Treatment& treatment) {
                return means_.read(line, treatment, until_);
            });
            tell(reading, image.ink.get());
            Try done{name, reading.estimate, reading.words, 0, false, {}};
            if (is_better(reading, best_.reading, {name, {}, 1, false, false})) {
                best_.reading = std::move(reading);
                won_ = best_.tries.size();
            }
            return done;
        });
    }

    template <typename Read>
    void attempt(const std::string& name, float pixels, Read read) {
        const Clock::time_point begin = Clock::now();
        Try done{name, -1, 0, 0, false, {}};
        try {
            done = read();
        } catch (const TimeIsUp&) {
            done.failure = "the page's time was up";
            until_ = Clock::now();
        } catch (const std::exception& error) {
            done.failure = failure_of(error);
        }
        done.ms = ms_since(begin);
        longest_ms_ = std::max(longest_ms_, static_cast<float>(done.ms) / pixels);
        best_.tries.push_back(std::move(done));
    }

    const Means& means_;
    const ReadRequest& request_;
    Clock::time_point until_;
    BestReading best_;
    size_t won_ = 0;
    std::vector<Way> ways_;
    std::vector<Treatment> seen_;
    float longest_ms_ = 0;  ///< of the tries so far, for as many pixels as the page has
};

}  // namespace

PageReading read_as(PageImage& image, const Treatment& treatment, const ReadImage& read, Clock::time_point until) {
    PageReading reading;
    reading.dpi = image.dpi;
    reading.width = pixGetWidth(image.pixels.get());
    reading.height = pixGetHeight(image.pixels.get());
    if (treatment.turn % 180 != 0) std::swap(reading.width, reading.height);
    image = treated(std::move(image), treatment);
    reading.treatment = treatment;
    reading.layout = read(image, treatment, until);
    tell(reading, image.ink.get());
    reading.rotation = image.rotation;
    map_back(reading.layout, treatment, reading.width, reading.height);
    return reading;
}

BestReading read_in_ways(const Means& means, const ReadRequest& request, Clock::time_point until) {
    return Tries(means, request, until).all();
}

std::string tried_json(const std::vector<Try>& tries) {
    if (tries.size() < 2) return {};
    std::string json = "[";
    for (const Try& tried : tries) {
        char numbers[96];
        if (json.size() > 1) json += ", ";
        json += "{\"way\": \"" + tried.way + '"';
        if (tried.estimate >= 0) {
            std::snprintf(numbers, sizeof(numbers), ", \"confidence\": %.1f", static_cast<double>(tried.estimate));
            json += numbers;
        }
        json += ", \"words\": " + std::to_string(tried.words) + ", \"ms\": " + std::to_string(tried.ms);
        if (!tried.failure.empty()) {
            json += ", \"error\": ";
            append_json_string(json, tried.failure);
        }
        json += tried.won ? ", \"won\": true}" : "}";
    }
    return json + ']';
}

}  // namespace pg_ocr
