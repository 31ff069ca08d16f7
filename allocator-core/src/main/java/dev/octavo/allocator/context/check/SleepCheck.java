package dev.octavo.allocator.context.check;

import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Checks that no method marked with [AtomicContext], and no section that is entered at run time,
/// reaches a method that may sleep, by the calls in class files. Made for a unit test, in two
/// lines:
///
/// ```java
/// @Test
/// void eventLoopsNeverSleep() {
///   SleepCheck.ofPackage("com.example").check();
/// }
/// ```
///
/// A violation is printed as the way from the atomic method to the call that may sleep:
///
/// ```
/// atomic methods must not sleep: violations=1, atomicMethods=1
/// com.example.Handler.onRead(Request)
///   com.example.Handler.onRead(Handler.java:42)
///   -> com.example.Codec.decode(Codec.java:17)
///   -> dev.octavo.allocator.PageAllocator.close() [@MightSleep]
/// ```
///
/// *What is atomic.* Methods so marked, what overrides them, and what was added by [#alsoAtomic];
/// in other methods the calls within `try (var section = AtomicContext.enter(..))`. What is within
/// `AtomicContext.allow(..)` is not followed.
///
/// *What sleeps.* Methods marked with [MightSleep], in the classes analysed and in all that they
/// call; what the JDK is known for: `Thread.sleep`, `Object.wait`, locks, queues, futures and so
/// on; and what was added by [#alsoSleeping] and [#alsoMonitors]. A call that passes the constant
/// `AllocationMode.NOWAIT` or `ATOMIC` does not sleep where a mode decides.
///
/// *What is followed.* Calls among the classes analysed: of a call that is dispatched, every
/// override among them. The body of a lambda, and a method referred to, count as called where the
/// object is made: most often it is called there, and a false alarm can be answered by [#except],
/// while a way that was not seen cannot. [#withoutLambdas] says otherwise. What another atomic
/// method reaches is reported there alone.
///
/// *What is not seen.* Reflection, native code, static initialisers, and what classes do that are
/// not analysed: neither their own code, nor what they call back, lambdas aside.
/// docs/sleep-check.md has the list of the JDK's methods, and more.
///
/// The result is always the same, in the same order. Not thread-safe. Reads each class file once;
/// runs none of the code.
public final class SleepCheck {

  private final ClassGraph graph;
  private final SleepRules rules = new SleepRules();

  private SleepCheck(ClassFiles files, String from) {
    if (files.analysed().isEmpty()) {
      throw new IllegalArgumentException("no class file found: " + from);
    }
    graph = new ClassGraph(files);
  }

  /// A way from an atomic method to one that may sleep: a shortest one.
  ///
  /// @param atomicMethod the atomic method, `com.example.Handler.onRead(long)`
  /// @param sleeper what may sleep, and why, `java.lang.Thread.sleep(long) [JDK]`
  /// @param steps the lines as in a stack trace, from the atomic method on, and the sleeper last
  public record Violation(String atomicMethod, String sleeper, List<String> steps) {

    /// Checks and copies the parts.
    ///
    /// @throws IllegalArgumentException if there is no step
    public Violation {
      Objects.requireNonNull(atomicMethod, "atomicMethod");
      Objects.requireNonNull(sleeper, "sleeper");
      steps = List.copyOf(steps);
      if (steps.isEmpty()) {
        throw new IllegalArgumentException("no step: atomicMethod=" + atomicMethod);
      }
    }

    /// The atomic method, and the steps below it, a line each.
    @Override
    public String toString() {
      return atomicMethod + "\n  " + String.join("\n  -> ", steps);
    }
  }

  // ---- what is analysed

  /// Analyses some classes, and the classes nested in them.
  ///
  /// @param types one or more; their class files are found by their class loaders
  /// @return a check of these
  /// @throws IllegalArgumentException if there is none, or one has no class file: an array, a
  ///   primitive type, a class made at run time
  /// @throws java.io.UncheckedIOException if a class file cannot be read
  public static SleepCheck ofClasses(Class<?>... types) {
    ClassFiles files = new ClassFiles();
    for (Class<?> type : types) {
      files.addClass(type);
    }
    return new SleepCheck(files, "types=" + List.of(types));
  }

  /// Analyses all classes in directories and jars. What they call is looked up on the class path.
  ///
  /// @param paths one or more: directories of class files, as a compiler is told, or jars
  /// @return a check of these
  /// @throws IllegalArgumentException if a path is neither a directory nor a jar, or a class file
  ///   is malformed or of a later JDK, or none was found
  /// @throws java.io.UncheckedIOException if a file cannot be read
  public static SleepCheck ofPaths(Path... paths) {
    ClassFiles files = new ClassFiles();
    for (Path path : paths) {
      files.addPath(path);
    }
    return new SleepCheck(files, "paths=" + List.of(paths));
  }

  /// Analyses all classes of a package and of those below it, test classes as well: whatever is on
  /// the class path, in directories and jars, or in a module that was started.
  ///
  /// @param name such as `com.example`
  /// @return a check of these
  /// @throws IllegalArgumentException if the name is blank, or no class of such a package is found,
  ///   or a class file is malformed or of a later JDK
  /// @throws java.io.UncheckedIOException if a file cannot be read
  public static SleepCheck ofPackage(String name) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("package must have a name: package=" + name);
    }
    ClassFiles files = new ClassFiles();
    List<Path> classPath = files.addPackage(name);
    return new SleepCheck(files, "package=" + name + ", classPath=" + classPath);
  }

  // ---- rules

  /// Treats more methods as atomic, as if marked with [AtomicContext]: those of a library's
  /// callbacks, such as `io.netty.channel.ChannelInboundHandler.*`, and what overrides them.
  ///
  /// @param methodPattern `class.method` or `class.method(types)`, the class with its package,
  ///   types by their simple names; `*` is any characters, dots as well
  /// @return this
  /// @throws IllegalArgumentException if the pattern has another form
  public SleepCheck alsoAtomic(String methodPattern) {
    rules.addAtomic(methodPattern);
    return this;
  }

  /// Treats more methods as sleeping, as if marked with [MightSleep]: those of a library, such as
  /// `java.sql.Statement.execute*`, and what overrides them in classes that are not analysed.
  ///
  /// @param methodPattern as for [#alsoAtomic]
  /// @return this
  /// @throws IllegalArgumentException if the pattern has another form
  public SleepCheck alsoSleeping(String methodPattern) {
    rules.addSleeping(methodPattern);
    return this;
  }

  /// Treats methods with `synchronized`, and with a block of it, as sleeping, as far as they are
  /// analysed.
  ///
  /// @return this
  public SleepCheck alsoMonitors() {
    rules.countMonitors();
    return this;
  }

  /// Does not follow lambdas and references to methods: for code that mostly hands them to other
  /// threads.
  ///
  /// @return this
  public SleepCheck withoutLambdas() {
    rules.skipLambdas();
    return this;
  }

  /// Leaves methods out: they are not atomic, do not sleep, and are not looked into. An exemption
  /// that nothing needs any more fails [#check].
  ///
  /// @param methodPattern as for [#alsoAtomic]; the body of a lambda is called `lambda$onRead$0`
  ///   for the first lambda of `onRead`
  /// @param reason why that is right, for whoever reads it
  /// @return this
  /// @throws IllegalArgumentException if the pattern has another form or the reason is blank
  public SleepCheck except(String methodPattern, String reason) {
    rules.addExemption(methodPattern, reason);
    return this;
  }

  // ---- result

  /// Searches for all ways, one for each atomic method and each sleeper that it reaches.
  ///
  /// @return sorted by the atomic method, then by the sleeper; empty if there is none
  /// @throws IllegalStateException if there is no atomic method and no section, or a pattern of
  ///   [#alsoAtomic] names none: the check would pass by default
  public List<Violation> violations() {
    Set<MethodNode> roots = roots();
    Set<MethodNode> sectionRoots = sectionRoots(roots);
    if ((roots.isEmpty() && sectionRoots.isEmpty()) || !rules.unusedAtomic().isEmpty()) {
      throw new IllegalStateException(
          "no atomic method found: classes="
              + graph.analysed().size()
              + ", patterns="
              + rules.unusedAtomic());
    }
    roots.removeIf(this::isExempt);
    sectionRoots.removeIf(this::isExempt);
    return new SleepSearch(graph, rules, roots, sectionRoots).run();
  }

  private boolean isExempt(MethodNode method) {
    return rules.isExempt(graph.names(method));
  }

  /// Fails if there is a violation, with all of them in the message.
  ///
  /// @throws AssertionError if there is a violation, or an exemption that no way meets
  /// @throws IllegalStateException if there is no atomic method and no section, or a pattern of
  ///   [#alsoAtomic] names none: the check would pass by default
  public void check() {
    List<Violation> violations = violations();
    if (!violations.isEmpty()) {
      throw new AssertionError(
          Stream.concat(
                  Stream.of(
                      "atomic methods must not sleep: violations="
                          + violations.size()
                          + ", atomicMethods="
                          + violations.stream().map(Violation::atomicMethod).distinct().count()),
                  violations.stream().map(Violation::toString))
              .collect(Collectors.joining("\n")));
    }
    if (!rules.unusedExemptions().isEmpty()) {
      throw new AssertionError(
          "exemptions are not needed: " + String.join("; ", rules.unusedExemptions()));
    }
  }

  /// The classes that the code analysed calls and that were found nowhere, so that nobody knows
  /// whether they sleep: libraries that are missing from the class path of the test.
  ///
  /// @return binary names, sorted; complete after [#violations] or [#check]
  public SortedSet<String> unseenClasses() {
    return new TreeSet<>(graph.unseen());
  }

  /// The methods that are atomic as a whole: those marked, and what overrides them.
  private Set<MethodNode> roots() {
    Set<MethodNode> roots = new LinkedHashSet<>();
    for (ClassNode type : graph.analysed()) {
      for (ClassNode above : graph.lineage(type.name())) {
        boolean isOwn = above.name().equals(type.name());
        for (MethodNode method : above.methods().values()) {
          if ((isOwn || method.isInherited()) && rules.isAtomic(method)) {
            MethodNode root = graph.resolve(type.name(), method.signature);
            if (root != null && root.isAnalysed()) {
              roots.add(root);
            }
          }
        }
      }
    }
    return roots;
  }

  /// The methods that open atomic sections, and are not atomic as a whole.
  private Set<MethodNode> sectionRoots(Set<MethodNode> roots) {
    return graph.analysed().stream()
        .flatMap(type -> type.methods().values().stream())
        .filter(method -> method.hasSections() && !roots.contains(method))
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }
}
