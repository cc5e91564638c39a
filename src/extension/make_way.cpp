#include "extension/make_way.h"

#include "extension/shared_state.h"

extern "C" {
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
}

namespace pg_ocr {
namespace {

constexpr int64 longest_wait_ms = 10000;
constexpr int64 reserved_ms = 15000;

ProcessUtility_hook_type earlier_hook = nullptr;

DefElem* option_of(List* options, const char* name) {
    ListCell* cell = nullptr;
    foreach (cell, options) {
        auto* option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, name) == 0) return option;
    }
    return nullptr;
}

/// The database that the command needs for itself; nullptr: none.
const char* database_needed_by(const Node* command) {
    if (IsA(command, DropdbStmt)) return castNode(DropdbStmt, const_cast<Node*>(command))->dbname;
    if (IsA(command, RenameStmt)) {
        const RenameStmt* rename = castNode(RenameStmt, const_cast<Node*>(command));
        return rename->renameType == OBJECT_DATABASE ? rename->subname : nullptr;
    }
    if (IsA(command, AlterDatabaseStmt)) {
        const AlterDatabaseStmt* alter = castNode(AlterDatabaseStmt, const_cast<Node*>(command));
        return option_of(alter->options, "tablespace") != nullptr ? alter->dbname : nullptr;
    }
    if (IsA(command, CreatedbStmt)) {
        DefElem* option = option_of(castNode(CreatedbStmt, const_cast<Node*>(command))->options, "template");
        return option != nullptr && option->arg != nullptr ? defGetString(option) : nullptr;
    }
    return nullptr;
}

/// The command checks rights itself; here they only keep strangers from stopping workers.
bool may_disturb(Oid database) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
    return pg_database_ownercheck(database, GetUserId());
#endif
}

/// In the place of an earlier reservation of the same database, else of the one that ends first.
void reserve(SharedState& shared, Oid database) {
    Reservation* place = &shared.reservations[0];
    for (Reservation& reservation : shared.reservations) {
        if (reservation.database == database) {
            place = &reservation;
            break;
        }
        if (reservation.until < place->until) place = &reservation;
    }
    place->database = database;
    place->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), reserved_ms);
}

/// Tells the database's workers to go; how many are still there.
int stop_workers(Oid database) {
    SharedState& shared = shared_state();
    int left = 0;
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    reserve(shared, database);
    for (int i = 0; i < shared.slot_count; ++i) {
        WorkerSlot& slot = shared.slots[i];
        if (slot.state == WorkerState::free || slot.database != database) continue;
        if (slot.state == WorkerState::ended && BackendPidGetProc(slot.pid) == nullptr) continue;
        ++left;
        if (slot.pid != 0) terminate_once(slot);
    }
    LWLockRelease(shared.lock);
    return left;
}

void make_way(const char* name) {
    const Oid database = get_database_oid(name, true);
    if (!OidIsValid(database) || !may_disturb(database)) return;
    const TimestampTz give_up_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), longest_wait_ms);
    while (stop_workers(database) > 0 && GetCurrentTimestamp() < give_up_at) {
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
}

void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree, ProcessUtilityContext context,
                     ParamListInfo parameters, QueryEnvironment* environment, DestReceiver* receiver,
                     QueryCompletion* completion) {
    const char* name = database_needed_by(statement->utilityStmt);
    if (name != nullptr) make_way(name);
    if (earlier_hook != nullptr)
        earlier_hook(statement, query, read_only_tree, context, parameters, environment, receiver, completion);
    else
        standard_ProcessUtility(statement, query, read_only_tree, context, parameters, environment, receiver,
                                completion);
}

}  // namespace

void register_make_way() {
    earlier_hook = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}

}  // namespace pg_ocr
