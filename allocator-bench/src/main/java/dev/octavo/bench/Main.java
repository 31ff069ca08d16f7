package dev.octavo.bench;

import static java.util.Locale.ROOT;

import dev.octavo.bench.peer.Peers;
import dev.octavo.bench.report.Builds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Defaults;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/// JMH's own command line, on which a peer that is not on this machine costs its rows and nothing
/// else: one line names it, methods and parameters of its name are left out.
public final class Main {
  private static final String PARAM = "peer";
  private static final String ANY = ".*";

  /// The one first argument that is not JMH's.
  private static final String BUILDS = "builds";

  private Main() {}

  /// Takes the arguments of JMH, or those of [Builds] after the word `builds`.
  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals(BUILDS)) {
      Builds.main(Arrays.copyOfRange(args, 1, args.length));
      return;
    }
    List<String> absent = Peers.NAMES.stream().filter(name -> !Peers.isPresent(name)).toList();
    if (absent.isEmpty()) {
      org.openjdk.jmh.Main.main(args);
      return;
    }
    absent.forEach(name -> System.out.println(name + ": not on this machine"));
    try {
      runWithout(absent, args);
    } catch (CommandLineOptionException | RunnerException failed) {
      System.err.println("Error: " + failed.getMessage());
      System.exit(1);
    }
  }

  private static void runWithout(List<String> absent, String[] args)
      throws IOException, CommandLineOptionException, RunnerException {
    CommandLineOptions options = new CommandLineOptions(args);
    if (isQuestion(options)) {
      org.openjdk.jmh.Main.main(args);
      return;
    }
    List<RunResult> results = new ArrayList<>();
    for (Map.Entry<List<String>, List<String>> group : byPeers(options, absent).entrySet()) {
      ChainedOptionsBuilder narrowed = new OptionsBuilder().parent(options);
      absent.forEach(peer -> narrowed.exclude("\\." + peer + "$"));
      narrowed.exclude("^(?!(" + String.join("|", group.getValue()) + ")$)");
      if (!group.getKey().isEmpty()) {
        narrowed.param(PARAM, group.getKey().toArray(String[]::new));
      }
      results.addAll(new Runner(narrowed.build()).run());
    }
    write(options, results);
  }

  private static boolean isQuestion(CommandLineOptions options) {
    return options.shouldHelp()
        || options.shouldList()
        || options.shouldListWithParams()
        || options.shouldListProfilers()
        || options.shouldListResultFormats();
  }

  /// The names of the benchmarks asked for, by the present peers each would run on; by an empty
  /// list where there is no such parameter.
  private static Map<List<String>, List<String>> byPeers(
      CommandLineOptions options, List<String> absent) {
    List<String> includes = options.getIncludes().isEmpty() ? List.of(ANY) : options.getIncludes();
    Map<List<String>, List<String>> groups = new TreeMap<>(Comparator.comparing(List::toString));
    for (BenchmarkListEntry benchmark :
        BenchmarkList.defaultList()
            .find(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                includes,
                options.getExcludes())) {
      List<String> peers = new ArrayList<>(peersOf(benchmark, options));
      boolean takesPeers = !peers.isEmpty();
      peers.removeAll(absent);
      if (!takesPeers || !peers.isEmpty()) {
        groups
            .computeIfAbsent(peers, none -> new ArrayList<>())
            .add(Pattern.quote(benchmark.getUsername()));
      }
    }
    return groups;
  }

  private static Collection<String> peersOf(
      BenchmarkListEntry benchmark, CommandLineOptions options) {
    String[] own = benchmark.getParams().orElse(Map.of()).get(PARAM);
    return own == null ? List.of() : options.getParameter(PARAM).orElse(List.of(own));
  }

  /// Writes what all groups gave into the file that each of them has written its own to.
  private static void write(CommandLineOptions options, List<RunResult> results) {
    if (options.getResult().hasValue() || options.getResultFormat().hasValue()) {
      ResultFormatType format = options.getResultFormat().orElse(Defaults.RESULT_FORMAT);
      String file =
          options
              .getResult()
              .orElse(Defaults.RESULT_FILE_PREFIX + "." + format.toString().toLowerCase(ROOT));
      ResultFormatFactory.getInstance(format, file).writeOut(results);
    }
  }
}
