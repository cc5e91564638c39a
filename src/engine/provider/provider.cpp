#include "engine/provider/provider.h"

#include <new>
#include <optional>
#include <utility>

#include "engine/document_error.h"
#include "engine/layout/page_in_tesseract.h"

namespace pg_ocr {
namespace {

std::string name_of_try(const std::string& provider, const std::string& way) {
    return "by " + provider + (way == "as it is" ? "" : ", " + way);
}

}  // namespace

ProvidersReading read_by_providers(const ReadRequest& request, const ReadByProvider& read) {
    std::vector<Try> tries;
    std::optional<ProvidersReading> kept;
    std::optional<size_t> won;
    std::optional<Failure> failure;
    const auto note_failure = [&](const std::string& provider, const Failure& why) {
        // One that is away may come back: the others would fail again.
        if (!failure || failure->code != ErrorCode::provider_unavailable) failure = why;
        tries.push_back({name_of_try(provider, "as it is"), -1, 0, 0, false, why.message});
    };
    for (const std::string& provider : request.providers) {
        try {
            BestReading reading = read(provider, kept ? &kept->best.reading : nullptr);
            const bool is_first = tries.empty();
            const bool is_better = !kept || reading.reading.estimate > kept->best.reading.estimate;
            for (Try& tried : reading.tries) {
                if (is_better && (tried.won || reading.tries.size() == 1)) won = tries.size();
                if (!is_first) tried.way = name_of_try(provider, tried.way);
                tried.won = false;
                tries.push_back(std::move(tried));
            }
            if (is_better) kept = ProvidersReading{std::move(reading), provider};
            if (request.tier == Tier::fast || kept->best.reading.estimate >= request.enough) break;
        } catch (const DocumentError& error) {
            note_failure(provider, error.failure);
        } catch (const std::bad_alloc&) {
            note_failure(provider, page_out_of_memory());
        } catch (const TimeIsUp&) {
            if (!kept) throw;
            tries.push_back({name_of_try(provider, "as it is"), -1, 0, 0, false, "the page's time was up"});
            break;
        }
    }
    if (!kept) throw DocumentError(failure.value());
    if (won && tries.size() > 1) tries[*won].won = true;
    kept->best.tries = std::move(tries);
    return std::move(*kept);
}

}  // namespace pg_ocr
