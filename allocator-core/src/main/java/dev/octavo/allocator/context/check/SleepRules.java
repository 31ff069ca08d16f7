package dev.octavo.allocator.context.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What counts as atomic, what as sleeping, and what is left out.
final class SleepRules {

  private final List<MethodPattern> atomic = new ArrayList<>();
  private final List<MethodPattern> sleeping = new ArrayList<>();
  private final List<Exemption> exemptions = new ArrayList<>();
  private final Set<String> used = new TreeSet<>();
  private boolean monitorsSleep;
  private boolean followsLambdas = true;

  private record Exemption(MethodPattern pattern, String reason) {}

  void addAtomic(String pattern) {
    atomic.add(MethodPattern.of(pattern));
  }

  void addSleeping(String pattern) {
    sleeping.add(MethodPattern.of(pattern));
  }

  void addExemption(String pattern, String reason) {
    if (reason.isBlank()) {
      throw new IllegalArgumentException("exemption must have a reason: pattern=" + pattern);
    }
    exemptions.add(new Exemption(MethodPattern.of(pattern), reason));
  }

  void countMonitors() {
    monitorsSleep = true;
  }

  void skipLambdas() {
    followsLambdas = false;
  }

  boolean monitorsSleep() {
    return monitorsSleep;
  }

  boolean followsLambdas() {
    return followsLambdas;
  }

  /// Whether a method is atomic as it stands, without what it overrides.
  boolean isAtomic(MethodNode method) {
    if (method.isHelper()) {
      return false;
    }
    boolean isAtomic = method.isAtomic;
    for (MethodPattern pattern : atomic) {
      if (pattern.matches(method.owner, method)) {
        used.add(pattern.text());
        isAtomic = true;
      }
    }
    return isAtomic;
  }

  /// @param names what a method is known by
  boolean isExempt(List<MethodNode> names) {
    boolean isExempt = false;
    for (Exemption exemption : exemptions) {
      for (MethodNode name : names) {
        if (exemption.pattern.matches(name.owner, name)) {
          used.add(exemption.pattern.text());
          isExempt = true;
        }
      }
    }
    return isExempt;
  }

  /// Why a method may sleep, in brackets; null if nothing says that it may.
  ///
  /// @param names what it is known by
  @Nullable String whySleeper(List<MethodNode> names) {
    for (MethodNode name : names) {
      if (name.mightSleep) {
        return "[@MightSleep]";
      }
      if (JdkSleepers.contains(name.owner, name)) {
        return "[JDK]";
      }
      for (MethodPattern pattern : sleeping) {
        if (pattern.matches(name.owner, name)) {
          return "[" + pattern.text() + "]";
        }
      }
    }
    return null;
  }

  /// The patterns of atomic methods that named none.
  List<String> unusedAtomic() {
    return atomic.stream().map(MethodPattern::text).filter(it -> !used.contains(it)).toList();
  }

  /// The exemptions that no way met, each with its reason.
  List<String> unusedExemptions() {
    return exemptions.stream()
        .filter(it -> !used.contains(it.pattern.text()))
        .map(it -> "pattern=" + it.pattern.text() + ", reason=" + it.reason)
        .toList();
  }
}
