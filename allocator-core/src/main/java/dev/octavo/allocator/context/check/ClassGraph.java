package dev.octavo.allocator.context.check;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The classes and their methods: who inherits from whom, and what a call may run.
///
/// This is class hierarchy analysis (Dean, Grove, Chambers 1995): a dispatched call may run what
/// any analysed subtype of the named class has, whatever objects there are.
final class ClassGraph {

  private final ClassFiles files;
  private final Map<String, Optional<ClassNode>> others = new HashMap<>();
  private final Map<String, List<ClassNode>> lineages = new HashMap<>();

  /// The analysed types below each type.
  private final Map<String, List<String>> subtypes = new HashMap<>();

  /// What each call may run, by all that tells.
  private final Map<Target, Set<MethodNode>> targets = new HashMap<>();

  private final SortedSet<String> unseen = new TreeSet<>();

  private record Target(String owner, String signature, boolean isDispatched) {}

  ClassGraph(ClassFiles files) {
    this.files = files;
    for (ClassNode type : analysed()) {
      for (ClassNode above : lineage(type.name())) {
        if (!above.name().equals(type.name())) {
          subtypes.computeIfAbsent(above.name(), key -> new ArrayList<>()).add(type.name());
        }
      }
    }
  }

  /// The classes to analyse, by name.
  Collection<ClassNode> analysed() {
    return files.analysed().values();
  }

  /// The classes that code calls, and that are nowhere.
  SortedSet<String> unseen() {
    return unseen;
  }

  private @Nullable ClassNode node(String name) {
    ClassNode own = files.analysed().get(name);
    return own != null
        ? own
        : others.computeIfAbsent(name, key -> Optional.ofNullable(files.find(key))).orElse(null);
  }

  /// A class, its superclasses upwards, and all their interfaces; those that are not found are left
  /// out.
  List<ClassNode> lineage(String name) {
    List<ClassNode> known = lineages.get(name);
    if (known == null) {
      known = findLineage(name);
      lineages.put(name, known);
    }
    return known;
  }

  private List<ClassNode> findLineage(String name) {
    Map<String, ClassNode> found = new LinkedHashMap<>();
    Deque<String> open = new ArrayDeque<>();
    for (String next = name; next != null; ) {
      ClassNode type = node(next);
      next = null;
      if (type != null && found.putIfAbsent(type.name(), type) == null) {
        open.addAll(type.interfaces());
        next = type.superclass();
      }
    }
    while (!open.isEmpty()) {
      ClassNode type = node(open.remove());
      if (type != null && found.putIfAbsent(type.name(), type) == null) {
        open.addAll(type.interfaces());
      }
    }
    return List.copyOf(found.values());
  }

  /// The method that an object of a class has; the declared one, if none has code.
  @Nullable MethodNode resolve(String owner, String signature) {
    MethodNode declared = null;
    for (ClassNode type : lineage(owner)) {
      MethodNode method = type.methods().get(signature);
      if (method != null && !method.isAbstract()) {
        return method;
      }
      declared = declared == null ? method : declared;
    }
    return declared;
  }

  /// What a call may run, the named method first.
  Set<MethodNode> targets(Call call) {
    Target target = new Target(call.owner(), call.signature(), call.isDispatched());
    Set<MethodNode> known = targets.get(target);
    if (known == null) {
      known = findTargets(target);
      targets.put(target, known);
    }
    return known;
  }

  private Set<MethodNode> findTargets(Target call) {
    MethodNode named = resolve(call.owner, call.signature);
    if (named == null) {
      if (node(call.owner) == null) {
        unseen.add(call.owner);
      }
      named = MethodNode.unseen(call.owner, call.signature);
    }
    Set<MethodNode> found = new LinkedHashSet<>();
    found.add(named);
    if (call.isDispatched && named.isOverridable()) {
      for (String below : subtypes.getOrDefault(call.owner, List.of())) {
        MethodNode method = resolve(below, call.signature);
        if (method != null) {
          found.add(method);
        }
      }
    }
    return found;
  }

  /// What a method is known by: itself, and if there is no code of it to judge by, what it
  /// overrides.
  List<MethodNode> names(MethodNode method) {
    List<MethodNode> names = new ArrayList<>();
    names.add(method);
    if ((!method.isAnalysed() || method.isAbstract()) && method.isInherited()) {
      for (ClassNode type : lineage(method.owner)) {
        MethodNode above = type.methods().get(method.signature);
        if (above != null && above != method) {
          names.add(above);
        }
      }
    }
    return names;
  }
}
