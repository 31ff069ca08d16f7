package dev.octavo.allocator.context.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.octavo.allocator.context.check.SleepCheck.Violation;
import java.io.File;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes.Name;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SleepCheckTest {

  private static final String HANDLERS = Handlers.class.getName() + "$";
  private static final String SLEEPS = "Sleeper.sleeps() [@MightSleep]";

  @TempDir Path folder;

  /// The ways, without packages and lines.
  private static List<String> ways(SleepCheck check) {
    return check.violations().stream()
        .map(violation -> String.join(" > ", violation.steps()))
        .map(way -> way.replaceAll("\\(\\w+\\.java:\\d+\\)", "").replace(HANDLERS, ""))
        .toList();
  }

  private static SleepCheck handlers(Class<?>... types) {
    return SleepCheck.ofClasses(types);
  }

  // ---- ways

  @Test
  void aCallOfASleeperIsFound() {
    assertThat(ways(handlers(Handlers.Direct.class))).containsExactly("Direct.on > " + SLEEPS);
  }

  @Test
  void aCalmMethodPasses() {
    assertThat(ways(handlers(Handlers.Calm.class, Handlers.Sleeper.class))).isEmpty();
    handlers(Handlers.Calm.class, Handlers.Sleeper.class).check();
  }

  @Test
  void aWayOverThreeCallsIsFound() {
    assertThat(ways(handlers(Handlers.ThreeCalls.class)))
        .containsExactly(
            "ThreeCalls.on > ThreeCalls.first > ThreeCalls.second > ThreeCalls.third > " + SLEEPS);
  }

  @Test
  void theShortestWayIsGiven() {
    assertThat(ways(handlers(Handlers.Shortest.class)))
        .containsExactly(
            "Shortest.on > Shortest.shortWay > " + SLEEPS,
            "Shortest.onOtherWay > Shortest.shortWay > " + SLEEPS);
  }

  @Test
  void circlesEnd() {
    assertThat(ways(handlers(Handlers.Circle.class))).isEmpty();
  }

  @Test
  void anInterfaceCallMayRunEveryImplementation() {
    assertThat(ways(handlers(Handlers.ThroughInterface.class, Handlers.CalmCodec.class))).isEmpty();
    assertThat(
            ways(
                handlers(
                    Handlers.ThroughInterface.class,
                    Handlers.CalmCodec.class,
                    Handlers.SleepyCodec.class)))
        .containsExactly("ThroughInterface.on > SleepyCodec.decode > " + SLEEPS);
  }

  @Test
  void anInterfaceCallMayRunWhatAnImplementationInherits() {
    assertThat(
            ways(
                handlers(
                    Handlers.ThroughInterface.class,
                    Handlers.InheritingCodec.class,
                    Handlers.Decoder.class)))
        .containsExactly("ThroughInterface.on > Decoder.decode > " + SLEEPS);
  }

  @Test
  void aDefaultMethodIsFoundBehindOneWithoutCode() {
    assertThat(
            ways(
                handlers(
                    Handlers.ThroughDefault.class,
                    Handlers.ByDefault.class,
                    Handlers.Codec.class,
                    Handlers.DefaultCodec.class)))
        .containsExactly("ThroughDefault.on > DefaultCodec.decode > " + SLEEPS);
  }

  @Test
  void aCallOfAClassDoesNotRunItsSiblings() {
    assertThat(
            ways(
                handlers(
                    Handlers.ThroughClass.class,
                    Handlers.CalmCodec.class,
                    Handlers.SleepyCodec.class)))
        .isEmpty();
  }

  @Test
  void lambdasAndReferencesCountWhereTheyAreMade() {
    assertThat(ways(handlers(Handlers.Lambdas.class)))
        .containsExactly(
            "Lambdas.body > Lambdas.lambda$body$0 > " + SLEEPS,
            "Lambdas.constructor > SleepyObject.<init>() [@MightSleep]",
            "Lambdas.reference > " + SLEEPS);
  }

  @Test
  void lambdasCanBeLeftOut() {
    assertThat(ways(handlers(Handlers.Lambdas.class).withoutLambdas())).isEmpty();
  }

  @Test
  void theResultIsAlwaysTheSame() {
    List<Violation> first = SleepCheck.ofPackage(packageName()).violations();
    assertThat(SleepCheck.ofPackage(packageName()).violations()).isEqualTo(first);
    assertThat(first).hasSizeGreaterThan(10).extracting(Violation::atomicMethod).isSorted();
  }

  // ---- marks

  @Test
  void overridingMethodsInheritTheMark() {
    assertThat(ways(handlers(Handlers.StringCallback.class)))
        .containsExactly("StringCallback.on > " + SLEEPS);
    assertThat(ways(handlers(Handlers.Derived.class))).containsExactly("Derived.on > " + SLEEPS);
  }

  @Test
  void aMarkedInterfaceMarksWhatAnImplementationInherits() {
    assertThat(ways(handlers(Handlers.TurningLoop.class, Handlers.Turner.class)))
        .containsExactly("Turner.turn > " + SLEEPS);
  }

  @Test
  void aMarkOnATypeStandsForItsMethodsButNotForItsConstructors() {
    assertThat(ways(handlers(Handlers.AllAtomic.class)))
        .containsExactly("AllAtomic.on > " + SLEEPS, "AllAtomic.onStatic > " + SLEEPS);
    assertThat(ways(handlers(Handlers.UsesAllSleeps.class)))
        .containsExactly("UsesAllSleeps.on > AllSleeps.load() [@MightSleep]");
  }

  @Test
  void aMethodWithBothMarksIsReported() {
    assertThat(ways(handlers(Handlers.Both.class))).containsExactly("Both.on() [@MightSleep]");
  }

  @Test
  void whatAnotherAtomicMethodReachesIsReportedThere() {
    assertThat(ways(handlers(Handlers.Nested.class))).containsExactly("Nested.inner > " + SLEEPS);
  }

  @Test
  void aSleepersMarkHoldsForCallsOfItsInterfaceAndForClassesThatAreNotAnalysed() {
    String byInterface = "UsesStore.byInterface > Store.load() [@MightSleep]";
    assertThat(ways(handlers(Handlers.UsesStore.class, Handlers.CalmStore.class)))
        .containsExactly(byInterface);
    assertThat(ways(handlers(Handlers.UsesStore.class)))
        .containsExactly("UsesStore.byClass > CalmStore.load() [@MightSleep]", byInterface);
  }

  @Test
  void theMarksOfThisLibraryAreSeen() {
    assertThat(ways(handlers(Handlers.ClosesPages.class)))
        .containsExactly(
            "ClosesPages.on > dev.octavo.allocator.PageAllocator.close() [@MightSleep]");
  }

  @Test
  void librariesCallbacksAreAtomicByPattern() {
    assertThat(
            ways(
                handlers(Handlers.CallableHandler.class)
                    .alsoAtomic("java.util.concurrent.Callable.call")))
        .containsExactly("CallableHandler.call > " + SLEEPS);
  }

  @Test
  void librariesSleepersAreNamedByPattern() {
    assertThat(
            ways(
                handlers(Handlers.Jdk.class)
                    .alsoSleeping("*.unlock()")
                    .except("*Jdk.sleeps", "test")))
        .containsExactly(
            "Jdk.doesNot > java.util.concurrent.locks.ReentrantLock.unlock() [*.unlock()]");
  }

  // ---- the JDK

  @Test
  void theJdksSleepersAreKnownInSubclassesToo() {
    assertThat(ways(handlers(Handlers.Jdk.class)))
        .containsExactly(
            "Jdk.sleeps > java.lang.Object.wait() [JDK]",
            "Jdk.sleeps > java.lang.Thread.sleep(long) [JDK]",
            "Jdk.sleeps > java.util.concurrent.ArrayBlockingQueue.offer(Object, long, TimeUnit)"
                + " [JDK]",
            "Jdk.sleeps > java.util.concurrent.ArrayBlockingQueue.poll(long, TimeUnit) [JDK]",
            "Jdk.sleeps > java.util.concurrent.ArrayBlockingQueue.take() [JDK]",
            "Jdk.sleeps > java.util.concurrent.locks.ReentrantLock.lock() [JDK]",
            "Jdk.sleeps > java.util.concurrent.locks.ReentrantLock.tryLock(long, TimeUnit) [JDK]");
  }

  @Test
  void anAnalysedOverrideOfAJdkSleeperIsJudgedByItsCode() {
    assertThat(ways(handlers(Handlers.UsesLocks.class, Handlers.NoLock.class)))
        .containsExactly("UsesLocks.sleepy > java.util.concurrent.locks.Lock.lock() [JDK]");
  }

  @Test
  void whatAnAnalysedClassInheritsFromTheJdkSleeps() {
    assertThat(ways(handlers(Handlers.UsesOwnQueue.class, Handlers.OwnQueue.class)))
        .containsExactly("UsesOwnQueue.on > java.util.concurrent.ArrayBlockingQueue.take() [JDK]");
  }

  @Test
  void anAnalysedMethodWithoutCodeIsJudgedByWhatItOverrides() {
    assertThat(ways(handlers(Handlers.UsesOwnLock.class, Handlers.OwnLock.class)))
        .containsExactly("UsesOwnLock.on > OwnLock.lock() [JDK]");
  }

  // ---- monitors

  @Test
  void monitorsCountOnlyIfAskedFor() {
    assertThat(ways(handlers(Handlers.Monitors.class))).isEmpty();
    assertThat(ways(handlers(Handlers.Monitors.class).alsoMonitors()))
        .containsExactly(
            "Monitors.block [synchronized]", "Monitors.method > Monitors.locked [synchronized]");
  }

  // ---- exemptions

  @Test
  void anExemptMethodIsNotLookedInto() {
    handlers(Handlers.ThreeCalls.class).except("*ThreeCalls.second()", "tested by hand").check();
  }

  @Test
  void anExemptMethodIsNotAtomic() {
    assertThat(
            ways(
                handlers(Handlers.AllAtomic.class).except("*.Handlers$AllAtomic.on", "runs alone")))
        .containsExactly("AllAtomic.onStatic > " + SLEEPS);
  }

  @Test
  void anExemptSleeperDoesNotSleep() {
    handlers(Handlers.Direct.class).except("*Sleeper.sl*", "sleeps in tests only").check();
  }

  @Test
  void anExemptionThatNothingNeedsFails() {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(() -> handlers(Handlers.Calm.class).except("com.example.Old.*", "old").check())
        .withMessage("exemptions are not needed: pattern=com.example.Old.*, reason=old");
  }

  @Test
  void anExemptionHasAReason() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> handlers(Handlers.Calm.class).except("*.calm", " "))
        .withMessage("exemption must have a reason: pattern=*.calm");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "calm", "a.b c", "a.b(", "a.b()x", "a.[b]"})
  void aPatternNamesAMethodOfAClass(String pattern) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> handlers(Handlers.Calm.class).alsoSleeping(pattern))
        .withMessageContaining("class.method")
        .withMessageEndingWith("pattern=" + pattern);
  }

  // ---- what would pass by default

  @Test
  void aCheckWithoutAtomicMethodsFails() {
    assertThatIllegalStateException()
        .isThrownBy(() -> handlers(Handlers.Sleeper.class).check())
        .withMessage("no atomic method found: classes=1, patterns=[]");
    assertThatIllegalStateException()
        .isThrownBy(() -> handlers(Handlers.Calm.class).alsoAtomic("com.example.*").violations())
        .withMessage("no atomic method found: classes=1, patterns=[com.example.*]");
  }

  @Test
  void aClassWithoutAFileIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> handlers(int[].class))
        .withMessage("class has no class file: class=[I");
    assertThatIllegalArgumentException()
        .isThrownBy(SleepCheckTest::handlers)
        .withMessage("no class file found: types=[]");
  }

  @Test
  void aPackageWithoutClassesIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPackage("com.example.none"))
        .withMessageStartingWith("no class file found: package=com.example.none, classPath=[");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPackage(" "))
        .withMessage("package must have a name: package= ");
    // A prefix of a name is not a package.
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPackage("dev.octavo.allocator.context.che"));
  }

  @Test
  void aPathWithoutClassesIsRefused() throws Exception {
    Path text = Files.writeString(folder.resolve("text.txt"), "text");
    Path broken = Files.writeString(folder.resolve("broken.jar"), "text");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPaths(folder))
        .withMessage("no class file found: paths=[" + folder + "]");
    for (Path path : List.of(broken, folder.resolve("missing"))) {
      assertThatExceptionOfType(UncheckedIOException.class)
          .isThrownBy(() -> SleepCheck.ofPaths(path))
          .withMessage("class files cannot be read: path=" + path);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPaths(text))
        .withMessage("neither a directory nor a jar: path=" + text);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 8, 200})
  void aBrokenClassFileIsRefused(int byteSize) throws Exception {
    Path classes = Sources.compile(folder, "Loop.java", LOOP);
    Path file = classes.resolve("com/example/Loop.class");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), byteSize));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SleepCheck.ofPaths(classes))
        .withMessage("class file is malformed: file=" + file + ", byteSize=" + byteSize);
  }

  // ---- packages, directories, jars, and the message

  private static final String LOOP =
      """
      package com.example;
      import dev.octavo.allocator.context.check.AtomicContext;
      class Loop {
        @AtomicContext void onRead(long time, String[] names) throws Exception {
          decode(time);
        }
        @AtomicContext void onWrite() throws Exception { new Thread().join(); }
        private void decode(long time) throws Exception {
          if (time > 0) {
            Thread.sleep(time);
          }
        }
      }
      """;

  private static final String MESSAGE =
      """
      atomic methods must not sleep: violations=2, atomicMethods=2
      com.example.Loop.onRead(long, String[])
        com.example.Loop.onRead(Loop.java:5)
        -> com.example.Loop.decode(Loop.java:10)
        -> java.lang.Thread.sleep(long) [JDK]
      com.example.Loop.onWrite()
        com.example.Loop.onWrite(Loop.java:7)
        -> java.lang.Thread.join() [JDK]\
      """;

  @Test
  void directoriesAndJarsAreRead() throws Exception {
    Path classes = Sources.compile(folder, "Loop.java", LOOP);
    Path jar = Sources.jar(classes, folder.resolve("loop.jar"));
    for (Path path : List.of(classes, jar)) {
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(() -> SleepCheck.ofPaths(path).check())
          .withMessage(MESSAGE);
    }
  }

  @Test
  void aPackageIsFoundWithItsTestsAndThoseBelowIt() {
    assertThat(ways(SleepCheck.ofPackage("dev.octavo.allocator.context")))
        .contains("Direct.on > " + SLEEPS);
  }

  @Test
  void aManifestNamesMoreOfTheClassPath() throws Exception {
    Path classes = Files.createDirectories(folder.resolve("classes"));
    Path lib = Files.writeString(folder.resolve("lib.jar"), "broken");
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .put(Name.CLASS_PATH, "lib.jar classes/ gone.jar http://example.com/far.jar");
    Path jar = folder.resolve("names.jar");
    new JarOutputStream(Files.newOutputStream(jar), manifest).close();
    assertThat(ClassFiles.classPath(jar + File.pathSeparator + folder.resolve("missing")))
        .containsExactly(jar, lib, classes);
  }

  @Test
  void descriptionsAndClassesForOneReleaseAloneAreLeftOut() throws Exception {
    Path classes = Sources.compile(folder, "Loop.java", LOOP);
    Path release = Files.createDirectories(classes.resolve("META-INF/versions/30"));
    Files.writeString(release.resolve("Loop.class"), "not looked at");
    Files.writeString(classes.resolve("package-info.class"), "not looked at");
    assertThat(SleepCheck.ofPaths(classes).violations()).hasSize(2);
  }

  @Test
  void nestedClassesAreAnalysedToo() {
    assertThat(ways(handlers(Handlers.class)))
        .contains("Direct.on > " + SLEEPS, "Nested.inner > " + SLEEPS);
  }

  @Test
  void classesThatAreNowhereAreNamed() throws Exception {
    Path classes =
        Sources.compile(
            folder,
            "Library.java",
            "package com.example; class Library { static void call() {} }",
            "User.java",
            """
            package com.example;
            class User {
              @dev.octavo.allocator.context.check.AtomicContext
              void on() { Library.call(); }
            }
            """);
    Files.delete(classes.resolve("com/example/Library.class"));
    SleepCheck check = SleepCheck.ofPaths(classes);
    check.check();
    assertThat(check.unseenClasses()).containsExactly("com.example.Library");
  }

  private static String packageName() {
    return SleepCheckTest.class.getPackageName();
  }
}
