// The trigger on attached tables: notes which rows have new documents. A transaction's keys are gathered in memory and
// written a hundred to a row, so that a COPY into the table costs little more than without; see
// sql/functions/attach.sql.
#include "extension/attached_rows.h"

#include <algorithm>

#include "extension/local_settings.h"
#include "extension/shared_state.h"
#include "extension/wake.h"
#include "pg/pg.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_note_attached_row);
PG_FUNCTION_INFO_V1(pg_ocr_document_changed);
}

namespace pg_ocr {
namespace {

constexpr int keys_of_a_row = 100;

/// Keys that (sub)transactions of one nesting level have noted. In the transaction's memory, as what it points to.
struct Noted {
    int level;
    int64 attachment;
    int rows;
    ArrayBuildState* keys;
};

List* noted = NIL;

/// How the rows of one relation are told apart: kept for the statement.
struct Key {
    int columns;
    AttrNumber numbers[INDEX_MAX_KEYS];
    FmgrInfo output[INDEX_MAX_KEYS];
};

Key* key_of(Relation relation, MemoryContext context) {
#if PG_VERSION_NUM >= 180000
    Oid index_id = RelationGetPrimaryKeyIndex(relation, false);
#else
    Oid index_id = RelationGetPrimaryKeyIndex(relation);
#endif
    if (!OidIsValid(index_id)) index_id = RelationGetReplicaIndex(relation);
    if (!OidIsValid(index_id))
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("table \"%s\" is attached to pg_ocr and has no primary key", RelationGetRelationName(relation)),
                 errhint("Give it a primary key or a replica identity by an index again, or call ocr_detach().")));
    Relation index = index_open(index_id, AccessShareLock);
    auto* key = static_cast<Key*>(MemoryContextAlloc(context, sizeof(Key)));
    key->columns = IndexRelationGetNumberOfKeyAttributes(index);
    for (int i = 0; i < key->columns; ++i) {
        key->numbers[i] = index->rd_index->indkey.values[i];
        Oid function = InvalidOid;
        bool is_variable = false;
        getTypeOutputInfo(TupleDescAttr(RelationGetDescr(relation), key->numbers[i] - 1)->atttypid, &function,
                          &is_variable);
        fmgr_info_cxt(function, &key->output[i], context);
    }
    index_close(index, AccessShareLock);
    return key;
}

Noted* noted_at(int64 attachment, int level) {
    ListCell* cell = nullptr;
    foreach (cell, noted) {
        auto* entry = static_cast<Noted*>(lfirst(cell));
        if (entry->attachment == attachment && entry->level == level) return entry;
    }
    MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
    auto* entry = static_cast<Noted*>(palloc0(sizeof(Noted)));
    entry->attachment = attachment;
    entry->level = level;
    noted = lappend(noted, entry);
    MemoryContextSwitchTo(outer);
    return entry;
}

void add_key(Noted* entry, Datum key) {
    if (entry->keys == nullptr) entry->keys = initArrayResult(TEXTOID, TopTransactionContext, true);
    accumArrayResult(entry->keys, key, false, TEXTOID, TopTransactionContext);
}

/// As a superuser: the table is for nobody else. Subtransactions may have left more than go in a row.
void write_keys(Noted* entry) {
    if (entry->rows == 0) return;
    const int at_once = entry->keys->nelems / entry->rows * keys_of_a_row;
    Oid user = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&user, &context);
    PushActiveSnapshot(GetTransactionSnapshot());
    SPI_connect();
    Oid types[] = {INT8OID, TEXTARRAYOID};
    ArrayBuildState* keys = entry->keys;
    entry->keys = nullptr;
    entry->rows = 0;
    SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
    for (int i = 0; i < keys->nelems; i += at_once) {
        ArrayType* some =
            construct_array(keys->dvalues + i, std::min(at_once, keys->nelems - i), TEXTOID, -1, false, 'i');
        Datum values[] = {Int64GetDatum(entry->attachment), PointerGetDatum(some)};
        if (SPI_execute_with_args("INSERT INTO ocr.attached_changes (attachment, keys) VALUES ($1, $2)", 2, types,
                                  values, nullptr, false, 0) != SPI_OK_INSERT)
            elog(ERROR, "the rows of an attached table could not be noted");
        pfree(some);
    }
    MemoryContextDelete(keys->mcontext);
    SetUserIdAndSecContext(user, context);
    SPI_finish();
    PopActiveSnapshot();
}

void write_all() {
    if (noted == NIL) return;
    // Whoever has dropped the extension since does not want them read.
    const Oid schema = get_namespace_oid("ocr", true);
    const bool is_wanted = OidIsValid(schema) && OidIsValid(get_relname_relid("attached_changes", schema));
    ListCell* cell = nullptr;
    if (is_wanted)
        foreach (cell, noted) write_keys(static_cast<Noted*>(lfirst(cell)));
    noted = NIL;
    if (is_wanted) wake_worker_at_commit();
}

void at_transaction(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            write_all();
            break;
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_PREPARE:
        case XACT_EVENT_ABORT:
            noted = NIL;
            break;
        default:
            break;
    }
}

/// What a subtransaction noted is its parent's once it has ended well.
void hand_over(int level) {
    List* entries = noted;
    noted = NIL;
    ListCell* cell = nullptr;
    MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
    foreach (cell, entries)
        if (static_cast<Noted*>(lfirst(cell))->level < level) noted = lappend(noted, lfirst(cell));
    MemoryContextSwitchTo(outer);
    foreach (cell, entries) {
        auto* entry = static_cast<Noted*>(lfirst(cell));
        if (entry->level < level || entry->keys == nullptr) continue;
        Noted* parent = noted_at(entry->attachment, level - 1);
        for (int i = 0; i < entry->keys->nelems; ++i) add_key(parent, entry->keys->dvalues[i]);
        parent->rows += entry->rows;
        MemoryContextDelete(entry->keys->mcontext);
        pfree(entry);
    }
    list_free(entries);
}

void forget(int level) {
    ListCell* cell = nullptr;
    foreach (cell, noted)
        if (static_cast<Noted*>(lfirst(cell))->level >= level) noted = foreach_delete_current(noted, cell);
}

void at_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (noted == NIL) return;
    if (event == SUBXACT_EVENT_PRE_COMMIT_SUB) hand_over(GetCurrentTransactionNestLevel());
    if (event == SUBXACT_EVENT_ABORT_SUB) forget(GetCurrentTransactionNestLevel());
}

}  // namespace

void register_attached_rows() {
    RegisterXactCallback(at_transaction, nullptr);
    RegisterSubXactCallback(at_subtransaction, nullptr);
}

}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_note_attached_row(PG_FUNCTION_ARGS) {
    auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
        !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1)
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("ocr.note_attached_row() is for the triggers that ocr_attach() makes")));
    Relation relation = trigger->tg_relation;
    if (fcinfo->flinfo->fn_extra == nullptr) fcinfo->flinfo->fn_extra = key_of(relation, fcinfo->flinfo->fn_mcxt);
    auto* key = static_cast<Key*>(fcinfo->flinfo->fn_extra);
    TupleTableSlot* row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot : trigger->tg_trigslot;
    Noted* entry = noted_at(pg_strtoint64(trigger->tg_trigger->tgargs[0]), GetCurrentTransactionNestLevel());
    const bool is_local = DateStyle != USE_ISO_DATES || IntervalStyle != INTSTYLE_POSTGRES || extra_float_digits < 1;
    const int settings = is_local ? NewGUCNestLevel() : 0;
    if (is_local) write_keys_alike();
    for (int i = 0; i < key->columns; ++i) {
        bool is_null = false;
        const Datum value = slot_getattr(row, key->numbers[i], &is_null);
        if (is_null) elog(ERROR, "a column of the key of table \"%s\" is null", RelationGetRelationName(relation));
        add_key(entry, CStringGetTextDatum(OutputFunctionCall(&key->output[i], value)));
    }
    if (is_local) AtEOXact_GUC(true, settings);
    if (++entry->rows >= keys_of_a_row) write_keys(entry);
    return PointerGetDatum(nullptr);
}

/// Large values are stored apart, and an UPDATE that leaves one alone leaves its pointer alone: so that need not be
/// read.
Datum pg_ocr_document_changed(PG_FUNCTION_ARGS) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_BOOL(PG_ARGISNULL(0) != PG_ARGISNULL(1));
    auto* earlier = reinterpret_cast<varlena*>(PG_GETARG_POINTER(0));
    auto* now = reinterpret_cast<varlena*>(PG_GETARG_POINTER(1));
    if (VARATT_IS_EXTERNAL_ONDISK(earlier) && VARATT_IS_EXTERNAL_ONDISK(now) &&
        memcmp(earlier, now, VARSIZE_EXTERNAL(earlier)) == 0)
        PG_RETURN_BOOL(false);
    if (toast_raw_datum_size(PointerGetDatum(earlier)) != toast_raw_datum_size(PointerGetDatum(now)))
        PG_RETURN_BOOL(true);
    varlena* earlier_bytes = PG_DETOAST_DATUM_PACKED(PointerGetDatum(earlier));
    varlena* bytes = PG_DETOAST_DATUM_PACKED(PointerGetDatum(now));
    PG_RETURN_BOOL(memcmp(VARDATA_ANY(earlier_bytes), VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)) != 0);
}
