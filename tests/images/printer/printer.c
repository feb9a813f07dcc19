// Prints numbered lines without starting a process for each of them.
//
//   printer steady PER_TENTH TENTHS   so many lines every tenth of a second, in turn to both pipes
//   printer burst LINES               all at once; the last words come after SIGUSR1, then it exits
//   printer spin                      uses one core and writes nothing
//
// A line is its pipe's letter, its number in that pipe from 0, and padding.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char PADDING[] = "................................................................";

static void print(FILE *pipe, char letter, long number) { fprintf(pipe, "%c %ld %s\n", letter, number, PADDING); }

static int steady(long per_tenth, long tenths) {
  static char out[1 << 16], err[1 << 16];
  setvbuf(stdout, out, _IOFBF, sizeof out);
  setvbuf(stderr, err, _IOFBF, sizeof err);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  long number = 0;
  for (long tenth = 0; tenth < tenths; tenth++) {
    for (long i = 0; i < per_tenth; i++, number++) {
      print(number % 2 ? stderr : stdout, number % 2 ? 'e' : 'o', number / 2);
    }
    fflush(stdout);
    fflush(stderr);
    next.tv_nsec += 100000000;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      next.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  return 0;
}

static int burst(long lines) {
  sigset_t signals;
  int got;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (long number = 0; number < lines; number++) print(stdout, 'o', number);
  fflush(stdout);
  sigwait(&signals, &got);
  for (long number = 0; number < 20; number++) print(stdout, 'l', number);
  fflush(stdout);
  return 0;
}

int main(int count, char **words) {
  if (count == 4 && !strcmp(words[1], "steady")) return steady(atol(words[2]), atol(words[3]));
  if (count == 3 && !strcmp(words[1], "burst")) return burst(atol(words[2]));
  if (count == 2 && !strcmp(words[1], "spin"))
    for (volatile long turns = 0;; turns++)
      ;
  return 2;
}
