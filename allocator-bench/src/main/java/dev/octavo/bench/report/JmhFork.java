package dev.octavo.bench.report;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// Runs a row by the command line of JMH in the build's own jar, with `-f 1`.
///
/// The process that is started is JMH's parent, which sleeps while its one fork measures. With `-f
/// 0` it would measure itself and save a start of a JVM, but without what JMH gives its forks
/// alone: the flags of `@Fork`, the compiler hints, and black holes known to the compiler. The
/// parent is the JVM of this process and has its flags, which JMH hands on to the fork.
///
/// Used by one thread.
final class JmhFork implements ForkLauncher {
  private static final int TAIL_LINES = 40;

  private final Path directory;
  private final ForkSettings settings;

  /// Makes a launcher that writes results and output into a directory.
  JmhFork(Path directory, ForkSettings settings) {
    this.directory = directory;
    this.settings = settings;
  }

  @Override
  public double run(Path jar, BuildRow row) throws ReportException {
    File output = directory.resolve("output.txt").toFile();
    Path json = directory.resolve("result.json");
    try {
      Files.deleteIfExists(json);
      Process process =
          new ProcessBuilder(command(jar, row, json))
              .redirectErrorStream(true)
              .redirectOutput(output)
              .start();
      waitFor(process);
      return nanos(json);
    } catch (ReportException e) {
      throw new ReportException(e.getMessage() + tail(output.toPath()));
    } catch (IOException e) {
      throw new ReportException("fork cannot run: cause=" + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ReportException("fork was interrupted");
    }
  }

  private List<String> command(Path jar, BuildRow row, Path json) {
    List<String> command = new ArrayList<>();
    command.add(
        ProcessHandle.current()
            .info()
            .command()
            .orElse(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(List.of("^" + Pattern.quote(row.benchmark()) + "$", "-bm", row.mode()));
    command.addAll(List.of("-f", "1", "-foe", "true"));
    command.addAll(List.of("-wi", Integer.toString(settings.warmups())));
    command.addAll(List.of("-i", Integer.toString(settings.iterations())));
    command.addAll(List.of("-w", settings.millis() + "ms", "-r", settings.millis() + "ms"));
    command.addAll(List.of("-rf", "json", "-rff", json.toString()));
    if (settings.isCpuTime()) {
      command.addAll(List.of("-prof", CpuTime.class.getName()));
    }
    if (!row.hasOwnThreads()) {
      command.addAll(List.of("-t", Integer.toString(row.name().threads())));
    }
    row.name().params().forEach((name, value) -> command.addAll(List.of("-p", name + "=" + value)));
    return command;
  }

  private void waitFor(Process process) throws ReportException, InterruptedException {
    try {
      if (!process.waitFor(settings.limit().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new ReportException("no result in time: seconds=" + settings.limit().toSeconds());
      }
      if (process.exitValue() != 0) {
        throw new ReportException("exit code is not 0: code=" + process.exitValue());
      }
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private double nanos(Path json) throws ReportException {
    Collection<Row> rows = JmhJson.read(json).rows();
    if (rows.size() != 1) {
      throw new ReportException("a fork measures one row: rows=" + rows.size());
    }
    Row row = rows.iterator().next();
    Figure cost = settings.isCpuTime() ? row.secondary().get(CpuTime.METRIC) : row.cost();
    double nanos = cost == null ? Double.NaN : cost.median();
    if (!(nanos > 0 && nanos < Double.POSITIVE_INFINITY)) {
      throw new ReportException("no time was measured: nanos=" + nanos);
    }
    return nanos;
  }

  /// Returns the last lines of what a fork printed.
  private static String tail(Path output) {
    try {
      String text = new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
      List<String> lines = text.stripTrailing().lines().toList();
      List<String> last = lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
      return last.isEmpty() ? "" : "\n" + String.join("\n", last);
    } catch (IOException e) {
      return ", output cannot be read: cause=" + e;
    }
  }
}
