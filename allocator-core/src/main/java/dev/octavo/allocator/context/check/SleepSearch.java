package dev.octavo.allocator.context.check;

import dev.octavo.allocator.context.check.Call.Mode;
import dev.octavo.allocator.context.check.SleepCheck.Violation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Goes from an atomic method along all calls, breadth first, so that the first way to a sleeper is
/// a shortest one.
///
/// It looks at each method at most twice: with an allocation mode that may wait, and without.
final class SleepSearch {

  private final ClassGraph graph;
  private final SleepRules rules;
  private final Set<MethodNode> roots;
  private final Set<MethodNode> sectionRoots;
  private final Map<MethodNode, Verdict> verdicts = new HashMap<>();

  /// @param isLeftOut whether it is exempt, or another root
  /// @param why it may sleep, or null
  private record Verdict(boolean isLeftOut, @Nullable String why) {}

  /// A method that runs.
  ///
  /// @param isQuiet whether the mode that it was given never waits
  private record Place(MethodNode method, boolean isQuiet) {}

  /// @param from null for the root
  private record Arrival(@Nullable Place from, int line) {}

  /// @param roots methods that are atomic as a whole
  /// @param sectionRoots methods of which sections are atomic
  SleepSearch(
      ClassGraph graph, SleepRules rules, Set<MethodNode> roots, Set<MethodNode> sectionRoots) {
    this.graph = graph;
    this.rules = rules;
    this.roots = roots;
    this.sectionRoots = sectionRoots;
  }

  /// All that the roots reach, by root, then by sleeper.
  List<Violation> run() {
    return Stream.concat(roots.stream(), sectionRoots.stream())
        .sorted(MethodNode.BY_NAME)
        .flatMap(root -> new Search(root).run().stream())
        .toList();
  }

  private Verdict verdict(MethodNode method) {
    return verdicts.computeIfAbsent(method, this::judge);
  }

  /// What another root reaches is reported there.
  private Verdict judge(MethodNode method) {
    List<MethodNode> names = graph.names(method);
    boolean isLeftOut = rules.isExempt(names) || roots.contains(method);
    return new Verdict(isLeftOut, rules.whySleeper(names));
  }

  /// The search from one root.
  private final class Search {

    private final MethodNode root;

    /// How each place was reached first.
    private final Map<Place, Arrival> arrivals = new HashMap<>();

    private final Deque<Place> open = new ArrayDeque<>();

    /// By what sleeps.
    private final Map<String, Violation> found = new TreeMap<>();

    Search(MethodNode root) {
      this.root = root;
    }

    Collection<Violation> run() {
      String itself = verdict(root).why;
      if (itself != null && roots.contains(root)) {
        report(root + " " + itself, List.of(root + " " + itself));
        return found.values();
      }
      arrive(new Place(root, false), new Arrival(null, MethodNode.NO_LINE));
      while (!open.isEmpty()) {
        Place place = open.remove();
        if (place.method.body != null) {
          leave(place, place.method.body);
        }
      }
      return found.values();
    }

    private void arrive(Place place, Arrival arrival) {
      if (arrivals.putIfAbsent(place, arrival) == null) {
        open.add(place);
      }
    }

    private void leave(Place place, MethodNode.Body body) {
      boolean isWhole = place.method != root || roots.contains(root);
      if (rules.monitorsSleep() && body.entersMonitor() && isWhole) {
        List<String> steps = stepsTo(place, body.monitorLine());
        steps.add(steps.removeLast() + " [synchronized]");
        report(place.method + " [synchronized]", steps);
      }
      for (Call call : body.calls()) {
        if (isAtomic(call, isWhole) && (!call.isLambda() || rules.followsLambdas())) {
          boolean isQuiet =
              call.mode() == Mode.QUIET || (call.mode() == Mode.PARAMETER && place.isQuiet);
          for (MethodNode target : graph.targets(call)) {
            follow(place, call.line(), new Place(target, isQuiet));
          }
        }
      }
    }

    private static boolean isAtomic(Call call, boolean isWhole) {
      return switch (call.section()) {
        case ENTERED -> true;
        case ALLOWED -> false;
        case NONE -> isWhole;
      };
    }

    private void follow(Place place, int line, Place target) {
      Verdict verdict = verdict(target.method);
      if (verdict.isLeftOut) {
        return;
      }
      if (verdict.why == null) {
        arrive(target, new Arrival(place, line));
      } else if (!target.isQuiet) {
        String sleeper = target.method + " " + verdict.why;
        List<String> steps = stepsTo(place, line);
        steps.add(sleeper);
        report(sleeper, steps);
      }
    }

    private void report(String sleeper, List<String> steps) {
      found.putIfAbsent(sleeper, new Violation(root.toString(), sleeper, steps));
    }

    /// The way from the root to a line of a method, without the compiler's bridges.
    private List<String> stepsTo(Place last, int lastLine) {
      List<String> steps = new ArrayList<>();
      int line = lastLine;
      for (Place place = last; place != null; ) {
        Arrival arrival = Objects.requireNonNull(arrivals.get(place));
        if (!place.method.isBridge() || (arrival.from == null && steps.isEmpty())) {
          steps.add(place.method.at(line));
        }
        line = arrival.line;
        place = arrival.from;
      }
      return new ArrayList<>(steps.reversed());
    }
  }
}
