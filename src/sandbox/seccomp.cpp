// Three kinds of lists. What the work takes is allowed, some of it only with harmless arguments. What writes files is
// refused with an error that libraries know how to take. What only an intruder would call ends the process at once. All
// else does not exist (ENOSYS), which is what a C library newer than these lists expects of an older kernel.
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <type_traits>

#include "sandbox/sandbox.h"

namespace pg_ocr {
namespace {

// By name and not by number: which calls there are differs between architectures, and libseccomp knows.
constexpr const char* allowed[] = {
    // memory
    "brk", "madvise", "mremap", "munmap",
    // the socket, and files that are open
    "close", "dup", "dup2", "dup3", "fadvise64", "lseek", "poll", "ppoll", "pread64", "read", "readv", "recvmsg",
    "sendmsg", "write", "writev",
    // looking at files; Landlock says which
    "access", "faccessat", "faccessat2", "fstat", "fstatfs", "getcwd", "getdents", "getdents64", "lstat", "newfstatat",
    "readlink", "readlinkat", "stat", "statfs", "statx",
    // time
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time", "times",
    // itself
    "exit", "exit_group", "futex", "futex_wait", "futex_waitv", "futex_wake", "getcpu", "getegid", "geteuid", "getgid",
    "getpgrp", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettid", "getuid", "membarrier",
    "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield",
    "sigaltstack", "sysinfo", "uname"};

constexpr const char* network_allowed[] = {
    // sockets
    "connect", "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "sendmmsg", "sendto", "setsockopt",
    "shutdown",
    // waiting
    "_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd",
    "eventfd2", "pipe", "pipe2", "pselect6", "select",
    // threads that resolve names, and memory files
    "memfd_create", "set_robust_list"};

constexpr const char* refused[] = {
    "chmod",    "chown",     "copy_file_range", "creat",     "fallocate",    "fchmod",    "fchmodat",  "fchmodat2",
    "fchown",   "fchownat",  "fdatasync",       "flock",     "fsetxattr",    "fsync",     "ftruncate", "futimesat",
    "lchown",   "link",      "linkat",          "lsetxattr", "memfd_secret", "mkdir",     "mkdirat",   "mknod",
    "mknodat",  "pwrite64",  "pwritev",         "pwritev2",  "rename",       "renameat",  "renameat2", "rmdir",
    "sendfile", "setrlimit", "setxattr",        "splice",    "symlink",      "symlinkat", "truncate",  "unlink",
    "unlinkat", "utime",     "utimensat",       "utimes",    "vmsplice"};

constexpr const char* engine_deadly[] = {
    // out to the network
    "connect", "getsockopt", "recvfrom", "recvmmsg", "sendmmsg", "sendto", "setsockopt", "socket", "socketpair",
    // other threads
    "clone", "clone3"};

constexpr const char* deadly[] = {
    // in from the network, or out to other processes
    "accept", "accept4", "bind", "listen", "socketcall", "kill", "pidfd_getfd", "pidfd_open", "pidfd_send_signal",
    "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "tkill", "mq_open", "msgget", "semget", "shmat", "shmget",
    // other programs or processes
    "execve", "execveat", "fork", "vfork",
    // the kernel itself
    "add_key", "bpf", "chroot", "delete_module", "finit_module", "fsopen", "init_module", "io_setup", "io_submit",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "mount",
    "mount_setattr", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree", "perf_event_open",
    "personality", "pivot_root", "reboot", "request_key", "setfsgid", "setfsuid", "setgid", "setgroups", "setns",
    "setpgid", "setregid", "setresgid", "setresuid", "setreuid", "setsid", "setuid", "swapoff", "swapon", "umount2",
    "unshare", "userfaultfd"};

class Filter {
  public:
    Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {
        if (!context_) error_ = -ENOMEM;
    }

    void set(scmp_filter_attr attribute, uint32_t value) {
        if (error_ == 0) error_ = ::seccomp_attr_set(context_.get(), attribute, value);
    }

    /// A call that this architecture, or this libseccomp, does not know is left to the default.
    void rule(uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> arguments = {}) {
        if (error_ != 0) return;
        int number = ::seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR) return;
        error_ = ::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(arguments.size()),
                                          arguments.begin());
    }

    /// 0, or a negative error number.
    int load() { return error_ != 0 ? error_ : ::seccomp_load(context_.get()); }

  private:
    struct Release {
        void operator()(scmp_filter_ctx context) const { ::seccomp_release(context); }
    };
    std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release> context_;
    int error_ = 0;
};

/// Allowed where the argument has none of the bits; refused otherwise.
void allow_without(Filter& filter, const char* name, unsigned argument, std::initializer_list<scmp_datum_t> bits) {
    scmp_datum_t all = 0;
    for (scmp_datum_t bit : bits) {
        all |= bit;
        filter.rule(SCMP_ACT_ERRNO(EACCES), name, {scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, bit, bit}});
    }
    filter.rule(SCMP_ACT_ALLOW, name, {scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, all, 0}});
}

/// Plain sockets to the internet, pairs of sockets within the process, threads but no processes.
void add_network_rules(Filter& filter) {
    for (scmp_datum_t family : {AF_INET, AF_INET6}) {
        for (scmp_datum_t type : {SOCK_STREAM, SOCK_DGRAM})
            filter.rule(SCMP_ACT_ALLOW, "socket",
                        {scmp_arg_cmp{0, SCMP_CMP_EQ, family, 0}, scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, 0xf, type}});
    }
    // The C library asks caches and the kernel's interfaces in vain, and resolves the name by itself.
    for (scmp_datum_t family : {AF_UNIX, AF_NETLINK})
        filter.rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {scmp_arg_cmp{0, SCMP_CMP_EQ, family, 0}});
    filter.rule(SCMP_ACT_ALLOW, "socketpair", {scmp_arg_cmp{0, SCMP_CMP_EQ, AF_UNIX, 0}});
    filter.rule(SCMP_ACT_ALLOW, "ioctl", {scmp_arg_cmp{1, SCMP_CMP_EQ, FIONREAD, 0}});
    // clone3, whose flags a filter cannot see, does not exist here, so threads come by clone.
    constexpr scmp_datum_t thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    constexpr scmp_datum_t namespaces =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    filter.rule(SCMP_ACT_ALLOW, "clone", {scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, thread | namespaces, thread}});
    filter.rule(SCMP_ACT_KILL_PROCESS, "clone", {scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0}});
    for (const char* name : {"fcntl", "fcntl64"})
        filter.rule(SCMP_ACT_ALLOW, name, {scmp_arg_cmp{1, SCMP_CMP_EQ, F_ADD_SEALS, 0}});
}

void add_rules_on_arguments(Filter& filter) {
    constexpr scmp_datum_t unnamed_file = O_TMPFILE & ~O_DIRECTORY;
    const auto writing = {scmp_datum_t{O_WRONLY}, scmp_datum_t{O_RDWR},   scmp_datum_t{O_CREAT},
                          scmp_datum_t{O_TRUNC},  scmp_datum_t{O_APPEND}, unnamed_file};
    allow_without(filter, "open", 1, writing);
    allow_without(filter, "openat", 2, writing);
    // All that is to run has been mapped by now.
    for (const char* name : {"mmap", "mmap2", "mprotect"}) allow_without(filter, name, 2, {PROT_EXEC});
    for (scmp_datum_t command : {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC, F_GET_SEALS}) {
        for (const char* name : {"fcntl", "fcntl64"})
            filter.rule(SCMP_ACT_ALLOW, name, {scmp_arg_cmp{1, SCMP_CMP_EQ, command, 0}});
    }
    auto self = static_cast<scmp_datum_t>(::getpid());
    filter.rule(SCMP_ACT_ALLOW, "tgkill", {scmp_arg_cmp{0, SCMP_CMP_EQ, self, 0}});  // abort()
    filter.rule(SCMP_ACT_KILL_PROCESS, "tgkill", {scmp_arg_cmp{0, SCMP_CMP_NE, self, 0}});
    // Limits may be read, but not set: argument 2 is the new one.
    filter.rule(SCMP_ACT_ALLOW, "prlimit64", {scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0}});
    filter.rule(SCMP_ACT_ERRNO(EACCES), "prlimit64", {scmp_arg_cmp{2, SCMP_CMP_NE, 0, 0}});
}

}  // namespace

Protection filter_system_calls(Profile profile) {
    Filter filter;
    filter.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    filter.set(SCMP_FLTATR_CTL_TSYNC, 1);
    for (const char* name : allowed) filter.rule(SCMP_ACT_ALLOW, name);
    add_rules_on_arguments(filter);
    if (profile == Profile::network) {
        for (const char* name : network_allowed) filter.rule(SCMP_ACT_ALLOW, name);
        add_network_rules(filter);
    } else {
        for (const char* name : {"ioctl", "memfd_create"}) filter.rule(SCMP_ACT_ERRNO(EACCES), name);
        for (const char* name : engine_deadly) filter.rule(SCMP_ACT_KILL_PROCESS, name);
    }
    for (const char* name : refused) filter.rule(SCMP_ACT_ERRNO(EACCES), name);
    for (const char* name : deadly) filter.rule(SCMP_ACT_KILL_PROCESS, name);
    int error = filter.load();
    return {"seccomp", error == 0, error == 0 ? "" : std::strerror(-error)};
}

}  // namespace pg_ocr
