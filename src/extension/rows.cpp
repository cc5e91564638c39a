#include "extension/rows.h"

namespace pg_ocr {

Tuplestorestate* begin_rows(FunctionCallInfo fcinfo, TupleDesc* description) {
    auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("this function returns rows and was called where none are accepted")));
    MemoryContext before = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    *description = CreateTupleDescCopy(info->expectedDesc);
    Tuplestorestate* rows = tuplestore_begin_heap(true, false, work_mem);
    MemoryContextSwitchTo(before);
    info->returnMode = SFRM_Materialize;
    info->setResult = rows;
    info->setDesc = *description;
    return rows;
}

}  // namespace pg_ocr
