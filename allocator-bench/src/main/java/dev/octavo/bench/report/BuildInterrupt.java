package dev.octavo.bench.report;

import java.io.PrintWriter;

/// Prints what a comparison has so far when the process is interrupted.
///
/// @param rounds the rounds that are interrupted
/// @param setup what is compared
/// @param out where the table goes
/// @param files what is deleted afterwards
record BuildInterrupt(
    BuildRounds rounds, BuildReport.Setup setup, PrintWriter out, BuildFiles files) {

  /// Runs the rounds, with a shutdown hook meanwhile.
  ///
  /// @return false if the process is ending: the hook prints, and the caller must not
  boolean runRounds() {
    Thread hook = Thread.ofPlatform().name("builds-interrupt").unstarted(this::interrupt);
    Runtime.getRuntime().addShutdownHook(hook);
    boolean isAlive;
    try {
      rounds.run();
    } finally {
      isAlive = remove(hook);
    }
    return isAlive;
  }

  /// Ends the rounds and their forks, and prints the rows so far.
  void interrupt() {
    rounds.stop();
    killForks();
    out.println();
    out.println("Interrupted, so far:");
    out.print(new BuildReport(setup, rounds.results()).toText());
    out.flush();
    files.close();
  }

  /// Returns false if the hook runs already.
  private static boolean remove(Thread hook) {
    try {
      return Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException shuttingDown) {
      return false;
    }
  }

  /// The forks are all the children that this process has.
  private static void killForks() {
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
  }
}
