#include "extension/drop_extension.h"

#include "pg/pg.h"

extern "C" {
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
}

namespace pg_ocr {
namespace {

ProcessUtility_hook_type earlier_hook = nullptr;

bool drops_extension(const Node* command) {
    if (!IsA(command, DropStmt)) return false;
    const DropStmt* drop = castNode(DropStmt, const_cast<Node*>(command));
    if (drop->removeType != OBJECT_EXTENSION) return false;
    ListCell* cell = nullptr;
    foreach (cell, drop->objects)
        if (strcmp(strVal(lfirst(cell)), "pg_ocr") == 0) return true;
    return false;
}

/// Each transaction of a worker begins with a lock on the queue (pg::transaction()), so whoever has it to himself waits
/// for none that holds what is to be dropped and waits for the rest of it. The command checks rights itself; here they
/// only keep strangers from stopping workers.
void wait_for_workers() {
    const Oid extension = get_extension_oid("pg_ocr", true);
    const Oid schema = get_namespace_oid("ocr", true);
    if (!OidIsValid(extension) || !OidIsValid(schema)) return;
#if PG_VERSION_NUM >= 160000
    if (!object_ownercheck(ExtensionRelationId, extension, GetUserId())) return;
#else
    if (!pg_extension_ownercheck(extension, GetUserId())) return;
#endif
    const Oid queue = get_relname_relid("tasks", schema);
    if (OidIsValid(queue)) LockRelationOid(queue, AccessExclusiveLock);
}

/// Of this database, in the transaction that has dropped the extension. Only superusers may change jobs of others.
void end_schedules() {
    if (!superuser() || !OidIsValid(get_extension_oid("pg_cron", true))) return;
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    SPI_execute(
        "DELETE FROM cron.job WHERE pg_catalog.starts_with(command, 'CALL ocr.run_schedule(')"
        " AND database OPERATOR(pg_catalog.=) pg_catalog.current_database()::pg_catalog.text",
        false, 0);
    if (SPI_processed > 0)
        ereport(NOTICE, (errmsg("%llu schedules of pg_ocr are ended", static_cast<unsigned long long>(SPI_processed))));
    SPI_finish();
}

void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree, ProcessUtilityContext context,
                     ParamListInfo parameters, QueryEnvironment* environment, DestReceiver* receiver,
                     QueryCompletion* completion) {
    const bool dropped = drops_extension(statement->utilityStmt);
    if (dropped) wait_for_workers();
    if (earlier_hook != nullptr)
        earlier_hook(statement, query, read_only_tree, context, parameters, environment, receiver, completion);
    else
        standard_ProcessUtility(statement, query, read_only_tree, context, parameters, environment, receiver,
                                completion);
    if (dropped) end_schedules();
}

}  // namespace

void register_drop_extension() {
    earlier_hook = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}

}  // namespace pg_ocr
