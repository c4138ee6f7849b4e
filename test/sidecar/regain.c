// Tries to get root's rights back, in each thread that a test chooses. Preloaded into a sidecar: SIGRTMAX arms it (the
// runtime has set its own handlers by then), and from then on a thread that gets SIGTRAP makes every attempt itself, by plain
// system calls, which speak of the calling thread alone. What comes of each is a line in the file named by QOS_TEST_REGAIN:
// `THREAD ATTEMPT RESULT`, and `THREAD all done` at the end.
//
// Built with -DHELPER it is the program that such a thread runs, with root as owner and the setuid bit: it prints the uid that
// it has come to. With arguments it sends a signal to one thread: PROCESS THREAD SIGNAL.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HELPER

int main(int count, char **words) {
  if (count == 4) return syscall(SYS_tgkill, atoi(words[1]), atoi(words[2]), atoi(words[3])) == 0 ? 0 : 1;
  printf("%d\n", (int)geteuid());
  return 0;
}

#else

static int results = -1;
static const char *helper, *roots_file;

static void tell(const char *attempt, long result) {
  char line[128];
  int length = snprintf(line, sizeof line, "%ld %s %ld\n", syscall(SYS_gettid), attempt, result);
  if (write(results, line, length) != length) abort();
}

// The uid that the setuid program has come to; negative where it could not be run.
static long run_helper(void) {
  int pipes[2];
  char said[16] = "";
  if (pipe(pipes) != 0) return -errno;
  pid_t child = vfork();
  if (child == 0) {
    dup2(pipes[1], 1);
    execl(helper, helper, (char *)0);
    _exit(1);
  }
  close(pipes[1]);
  long length = child < 0 ? -1 : read(pipes[0], said, sizeof said - 1);
  close(pipes[0]);
  if (child > 0) waitpid(child, 0, 0);
  return length > 0 ? atol(said) : -1;
}

static void attempt(int signal_number) {
  (void)signal_number;
  int before = errno;
  gid_t root_group = 0;
  tell("setresuid", syscall(SYS_setresuid, 0, 0, 0));
  tell("seteuid", syscall(SYS_setresuid, -1, 0, -1));
  tell("setreuid", syscall(SYS_setreuid, 0, 0));
  tell("setuid", syscall(SYS_setuid, 0));
  tell("setresgid", syscall(SYS_setresgid, 0, 0, 0));
  tell("setgid", syscall(SYS_setgid, 0));
  tell("setgroups", syscall(SYS_setgroups, 1, &root_group));
  // setfsuid says what it was, whether or not it changed: the second call tells.
  syscall(SYS_setfsuid, 0);
  tell("fsuid", syscall(SYS_setfsuid, -1));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct all[2];
  memset(all, 0xff, sizeof all);
  tell("capset", syscall(SYS_capset, &header, all));
  tell("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
  tell("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
  tell("new-privileges-again", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  tell("open", syscall(SYS_openat, AT_FDCWD, roots_file, O_RDONLY | O_CLOEXEC));
  tell("setuid-program", run_helper());
  tell("all", 0);
  errno = before;
}

static void arm(int signal_number) {
  (void)signal_number;
  struct sigaction action = {.sa_handler = attempt, .sa_flags = SA_RESTART | SA_ONSTACK};
  tell("armed", sigaction(SIGTRAP, &action, 0));
}

__attribute__((constructor)) static void prepare(void) {
  const char *path = getenv("QOS_TEST_REGAIN");
  helper = getenv("QOS_TEST_HELPER");
  roots_file = getenv("QOS_TEST_ROOTS_FILE");
  if (!path || !helper || !roots_file) return;
  results = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  struct sigaction action = {.sa_handler = arm, .sa_flags = SA_RESTART | SA_ONSTACK};
  if (results >= 0) sigaction(SIGRTMAX, &action, 0);
}

#endif
