// Whose rows the current user may see, as an array: policies compare a row's owner with it, which an index can be asked
// for, and not a call for each row.
#include "pg/guard.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "utils/inval.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(pg_ocr_visible_owners);
}

namespace pg_ocr {
namespace {

ArrayType* owners = nullptr;
Oid owners_of = InvalidOid;
uint64 changes = 1;  // of roles and memberships, as far as this session has heard
uint64 looked_up_at = 0;

void note_change(Datum, int, uint32) { ++changes; }

/// The roles whose rights a role has, its own among them; in the current memory context.
ArrayType* roles_of(Oid role) {
    ArrayBuildState* names = initArrayResult(NAMEOID, CurrentMemoryContext, false);
    Relation roles = table_open(AuthIdRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(roles, InvalidOid, false, nullptr, 0, nullptr);
    while (HeapTuple tuple = systable_getnext(scan)) {
        auto* const form = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple));
        if (has_privs_of_role(role, form->oid))
            names = accumArrayResult(names, NameGetDatum(&form->rolname), false, NAMEOID, CurrentMemoryContext);
    }
    systable_endscan(scan);
    table_close(roles, AccessShareLock);
    return DatumGetArrayTypeP(makeArrayResult(names, CurrentMemoryContext));
}

void look_up_owners() {
    static bool is_told_of_changes = false;
    if (!is_told_of_changes) {
        CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, note_change, 0);
        CacheRegisterSyscacheCallback(AUTHOID, note_change, 0);
        is_told_of_changes = true;
    }
    const Oid role = GetUserId();
    const uint64 before = changes;  // it may hear of one while it looks
    ArrayType* const found = roles_of(role);
    auto* const kept = static_cast<ArrayType*>(MemoryContextAlloc(TopMemoryContext, VARSIZE(found)));
    memcpy(kept, found, VARSIZE(found));
    if (owners != nullptr) pfree(owners);
    owners = kept;
    owners_of = role;
    looked_up_at = before;
}

}  // namespace
}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_visible_owners(PG_FUNCTION_ARGS) {
    if (owners_of != GetUserId() || looked_up_at != changes) look_up_owners();
    // A copy: the caller's may outlive a change of roles.
    auto* const copy = static_cast<ArrayType*>(palloc(VARSIZE(owners)));
    memcpy(copy, owners, VARSIZE(owners));
    PG_RETURN_ARRAYTYPE_P(copy);
}
