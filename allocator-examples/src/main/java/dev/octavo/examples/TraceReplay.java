package dev.octavo.examples;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// The demo: replays what a Linux kernel was really asked for, on real memory, with every block
/// checked, and writes a report with pictures.
///
/// Exit codes: 0 all good; 1 a request failed, a stamp broke or a law did not hold; 2 bad input.
@Command(
    name = "trace-replay",
    mixinStandardHelpOptions = true,
    version = "trace-replay 1",
    description = "Replays a recorded page workload on Octavo, checks it and draws the result.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:all checks passed",
      "1:a request failed, a stamp broke or a law did not hold",
      "2:bad arguments or a bad trace"
    })
public final class TraceReplay implements Callable<Integer> {
  private static final String BUILT_IN = "postgres-pgbench.pages.gz";
  private static final int BAD_RESULT = 1;
  private static final int BAD_INPUT = 2;
  private static final double MAX_SLACK_PERCENT = 1000;
  private static final int MAX_PASSES = 1000;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "0..1",
      paramLabel = "TRACE",
      description = "Trace file, plain or gzipped (default: a recorded PostgreSQL benchmark).")
  private @Nullable Path file;

  @Option(
      names = "--slack",
      paramLabel = "PERCENT",
      defaultValue = "2",
      description = "Memory beyond the trace's peak, in percent (default: ${DEFAULT-VALUE}).")
  private double slackPercent;

  @Option(
      names = "--report",
      paramLabel = "PATH",
      defaultValue = "target/report.html",
      description = "Where the report goes (default: ${DEFAULT-VALUE}).")
  private Path report = Path.of("target", "report.html");

  @Option(
      names = "--passes",
      paramLabel = "N",
      defaultValue = "15",
      description = "Passes of the timing (default: ${DEFAULT-VALUE}).")
  private int passes;

  @Option(
      names = "--progress",
      description = "Redraw the progress line even if this does not look like a terminal.")
  private boolean isLive;

  /// Runs the demo and ends the process with its exit code.
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /// Returns the command, ready to execute; errors are one line on its error stream.
  static CommandLine commandLine() {
    return new CommandLine(new TraceReplay())
        .setParameterExceptionHandler(
            (e, args) -> fail(e.getCommandLine().getErr(), "bad argument: " + e.getMessage()))
        .setExecutionExceptionHandler(
            (e, command, result) -> fail(command.getErr(), String.valueOf(e.getMessage())));
  }

  private static int fail(PrintWriter err, String line) {
    err.println(line);
    err.flush();
    return BAD_INPUT;
  }

  @Override
  public Integer call() throws TraceException, IOException {
    checkOptions();
    PrintWriter out = spec.commandLine().getOut();
    Progress progress = new Progress(spec.commandLine().getErr(), isLive || isTerminal());
    Trace trace = read();
    Findings findings = new Demo(trace, slackPercent, progress).run(passes);
    new TextReport(findings, out).write();
    writeReport(new HtmlReport(findings).toHtml());
    out.println();
    out.println("Report   " + report);
    out.flush();
    return findings.isGood() ? 0 : BAD_RESULT;
  }

  private void checkOptions() {
    if (!(slackPercent >= 0 && slackPercent <= MAX_SLACK_PERCENT)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          Text.format(
              "slack out of range: slack=%s, min=0, max=%s",
              Text.plain(slackPercent), Text.plain(MAX_SLACK_PERCENT)));
    }
    if (passes < 1 || passes > MAX_PASSES) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          Text.format("passes out of range: passes=%d, min=1, max=%d", passes, MAX_PASSES));
    }
  }

  private Trace read() throws TraceException, IOException {
    Path chosen = file;
    if (chosen == null || chosen.toString().isBlank()) {
      return readBuiltIn();
    }
    try (InputStream in = Files.newInputStream(chosen)) {
      return TraceReader.read(chosen.toString(), in);
    } catch (NoSuchFileException e) {
      throw new TraceException(chosen.toString(), 0, "file does not exist: path=" + chosen);
    } catch (IOException e) {
      throw new TraceException(
          chosen.toString(), 0, "file cannot be read: cause=" + e.getMessage());
    }
  }

  private static Trace readBuiltIn() throws TraceException, IOException {
    try (InputStream in = TraceReplay.class.getResourceAsStream(BUILT_IN)) {
      if (in == null) {
        throw new TraceException(BUILT_IN, 0, "file does not exist: resource=" + BUILT_IN);
      }
      return TraceReader.read(BUILT_IN, in);
    }
  }

  private void writeReport(String html) throws TraceException {
    try {
      Path parent = report.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.writeString(report, html);
    } catch (IOException e) {
      throw new TraceException(report.toString(), 0, "report cannot be written: cause=" + e);
    }
  }

  @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again when redirected
  private static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }
}
