// The border between C++ exceptions and Postgres' longjmp. Nothing is thrown across a Postgres frame, and no ERROR
// jumps over a C++ object with a destructor:
//   - Postgres code is called through protect(), whose body owns no object with a destructor; an ERROR comes out as
//   pg::Error;
//   - what Postgres calls is wrapped in enter(), which catches all, copies, leaves the catch, and only then raises.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "pg/pg.h"

namespace pg_ocr::pg {

/// An ereport(ERROR), caught. The transaction it happened in has to be aborted, or the error raised again by enter().
struct Error : std::runtime_error {
    Error(int code, const std::string& message, std::string detail_text = {}, std::string hint_text = {})
        : std::runtime_error(message), sqlstate(code), detail(std::move(detail_text)), hint(std::move(hint_text)) {}
    int sqlstate;
    std::string detail;
    std::string hint;
};

/// Turns the pending ERROR into a pg::Error; called by protect() with the memory context to return to.
[[noreturn]] void throw_pending(MemoryContext context);

template <typename Body>
void protect(Body&& body) {
    MemoryContext context = CurrentMemoryContext;
    bool raised = false;
    sigjmp_buf* const outer_stack = PG_exception_stack;
    ErrorContextCallback* const outer_context = error_context_stack;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        body();
    } else {
        raised = true;
    }
    PG_exception_stack = outer_stack;
    error_context_stack = outer_context;
    if (raised) throw_pending(context);
}

/// What is left of an exception once its catch block has ended: no destructor, no allocation.
struct Raise {
    int sqlstate;
    char message[2048];
    char detail[1024];
    char hint[1024];
};
void keep(Raise& to, const Error& error) noexcept;
void keep(Raise& to, int sqlstate, const char* message) noexcept;
[[noreturn]] void raise(const Raise& what);

template <typename Body>
auto enter(Body&& body) -> decltype(body()) {
    Raise what;
    try {
        return body();
    } catch (const Error& error) {
        keep(what, error);
    } catch (const std::bad_alloc&) {
        keep(what, ERRCODE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& error) {
        keep(what, ERRCODE_INTERNAL_ERROR, error.what());
    } catch (...) {
        keep(what, ERRCODE_INTERNAL_ERROR, "an exception of an unknown type");
    }
    raise(what);
}

}  // namespace pg_ocr::pg
