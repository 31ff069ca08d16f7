package dev.octavo.bench.report;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Reads what JMH wrote (`-rf json`) and prints ratios and bars: of one run, or between two.
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    version = "compare 1",
    description = {
      "Prints tables of JMH's results: ours against each peer, and the bars.",
      "Of two runs it prints what changed from the first to the second."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:tables are printed",
      "1:a bar is missed, with --fail-on-missed",
      "2:bad arguments, or a file that is not JMH's results"
    })
public final class Compare implements Callable<Integer> {
  private static final int MISSED = 1;
  static final int BAD_INPUT = 2;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", paramLabel = "JSON", description = "Results of a run.")
  private Path file = Path.of("");

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "AFTER",
      description = "Results of a later run; the first is then the one before.")
  private @Nullable Path after;

  @Option(names = "--markdown", description = "Tables as Markdown.")
  private boolean isMarkdown;

  @Option(names = "--fail-on-missed", description = "Exit with 1 if a bar is missed.")
  private boolean isMissedBarFailure;

  /// Runs the command and ends the process with its exit code.
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /// Returns the command, ready to execute; errors are one line on its error stream.
  static CommandLine commandLine() {
    return withShortErrors(new CommandLine(new Compare()));
  }

  /// Makes every error of a command one line and [#BAD_INPUT].
  static CommandLine withShortErrors(CommandLine command) {
    return command
        .setParameterExceptionHandler(
            (e, args) -> fail(e.getCommandLine().getErr(), "bad argument: " + e.getMessage()))
        .setExecutionExceptionHandler(
            (e, failed, result) -> fail(failed.getErr(), String.valueOf(e.getMessage())));
  }

  private static int fail(PrintWriter err, String line) {
    err.println(line);
    err.flush();
    return BAD_INPUT;
  }

  @Override
  public Integer call() throws ReportException {
    Report report = new Report(spec.commandLine().getOut(), isMarkdown);
    Run run = JmhJson.read(file);
    BarTable bars =
        after == null ? report.write(run) : report.write(file, run, after, JmhJson.read(after));
    return isMissedBarFailure && bars.count(Bar.Mark.MISSED) > 0 ? MISSED : 0;
  }
}
