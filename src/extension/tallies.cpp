#include "extension/tallies.h"

#include "extension/shared_state.h"
#include "pg/guard.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_turn_reached);
PG_FUNCTION_INFO_V1(pg_ocr_reach_turn);
PG_FUNCTION_INFO_V1(pg_ocr_debt_of_flow);
PG_FUNCTION_INFO_V1(pg_ocr_charge_flow);
}

namespace pg_ocr {
namespace {

constexpr uint32_t longest_search = 64;

/// Every bit of the result depends on every bit of the number: SplitMix64's last step.
uint64_t mixed(uint64_t number) {
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/// Two that share a key by chance share a number: so unlikely that nothing is done about it.
uint64_t key_of(TallyOf what, int64_t of) {
    const uint64_t place = (static_cast<uint64_t>(MyDatabaseId) << 8) | static_cast<uint64_t>(what);
    return mixed(mixed(place) + static_cast<uint64_t>(of)) | 1;
}

/// The number of a key, made where there is none and `make` says so; null where there is none, and no room for it.
pg_atomic_uint64* tally(TallyOf what, int64_t of, bool make) {
    Tallies& tallies = shared_state().tallies;
    const uint64_t key = key_of(what, of);
    for (uint32_t i = 0; i < longest_search; ++i) {
        auto& entry = tallies.entries[((key >> 1) + i) % Tallies::count];
        uint64_t taken = pg_atomic_read_u64(&entry.key);
        if (taken == 0) {
            if (!make) return nullptr;
            if (pg_atomic_compare_exchange_u64(&entry.key, &taken, key)) return &entry.value;
        }
        if (taken == key) return &entry.value;
    }
    return nullptr;
}

int64_t value_of(TallyOf what, int64_t of) {
    pg_atomic_uint64* value = tally(what, of, false);
    return value == nullptr ? 0 : static_cast<int64_t>(pg_atomic_read_u64(value));
}

}  // namespace

void initialise(Tallies& tallies) {
    for (auto& entry : tallies.entries) {
        pg_atomic_init_u64(&entry.key, 0);
        pg_atomic_init_u64(&entry.value, 0);
    }
}

}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_turn_reached(PG_FUNCTION_ARGS) { PG_RETURN_INT64(value_of(TallyOf::lane, PG_GETARG_INT32(0))); }

Datum pg_ocr_reach_turn(PG_FUNCTION_ARGS) {
    const auto turn = static_cast<uint64_t>(PG_GETARG_INT64(1));
    if (pg_atomic_uint64* value = tally(TallyOf::lane, PG_GETARG_INT32(0), true)) {
        uint64_t reached = pg_atomic_read_u64(value);
        while (static_cast<int64_t>(reached) < static_cast<int64_t>(turn) &&
               !pg_atomic_compare_exchange_u64(value, &reached, turn)) {
        }
    }
    PG_RETURN_VOID();
}

Datum pg_ocr_debt_of_flow(PG_FUNCTION_ARGS) { PG_RETURN_INT64(value_of(TallyOf::flow, PG_GETARG_INT64(0))); }

Datum pg_ocr_charge_flow(PG_FUNCTION_ARGS) {
    if (pg_atomic_uint64* value = tally(TallyOf::flow, PG_GETARG_INT64(0), true))
        pg_atomic_fetch_add_u64(value, PG_GETARG_INT64(1));
    PG_RETURN_VOID();
}
