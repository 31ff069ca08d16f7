package dev.octavo.allocator;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.SimpleConditionEvent.violated;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.reflect.AccessFlag;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// The rooms of the module and the arrows between them: public face -> requests -> checks -> cache
/// -> tree. The face may use all rooms.
///
/// A package that is not in [#ARROWS] fails the build, so a new room says first what it may use.
final class RoomsTest {
  private static final String ROOT = "dev.octavo.allocator";
  private static final String ACCOUNTS = ROOT + ".internal.accounts";
  private static final String BUDDY = ROOT + ".internal.buddy";
  private static final String CACHE = ROOT + ".internal.cache";
  private static final String CHECKS = ROOT + ".internal.checks";
  private static final String CONTEXT = ROOT + ".context";
  private static final String SLEEP_CHECK = ROOT + ".context.check";
  private static final String REGION = ROOT + ".internal.region";
  private static final String RECLAIM = ROOT + ".reclaim";
  private static final String WAITING = ROOT + ".internal.reclaim";
  private static final String THREADS = ROOT + ".internal.threads";
  private static final String OOM = ROOT + ".oom";
  private static final String REQUEST = ROOT + ".internal.request";

  /// Each room, and the other rooms it may use.
  private static final Map<String, Set<String>> ARROWS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry(
                  ROOT,
                  Set.of(
                      CONTEXT,
                      SLEEP_CHECK,
                      RECLAIM,
                      OOM,
                      REQUEST,
                      WAITING,
                      CHECKS,
                      CACHE,
                      REGION,
                      BUDDY)),
              Map.entry(
                  REQUEST,
                  Set.of(CONTEXT, RECLAIM, OOM, WAITING, CACHE, REGION, BUDDY, ACCOUNTS, THREADS)),
              Map.entry(CONTEXT, Set.of(THREADS)),
              Map.entry(SLEEP_CHECK, Set.of()),
              Map.entry(RECLAIM, Set.of()),
              Map.entry(OOM, Set.of(ACCOUNTS, THREADS)),
              Map.entry(ACCOUNTS, Set.of()),
              Map.entry(WAITING, Set.of(RECLAIM, THREADS)),
              Map.entry(CHECKS, Set.of(CACHE, BUDDY, THREADS)),
              Map.entry(CACHE, Set.of(BUDDY, THREADS)),
              Map.entry(REGION, Set.of()),
              Map.entry(THREADS, Set.of()),
              Map.entry(BUDDY, Set.of())));

  private static final Set<String> ROOMS = ARROWS.keySet();

  private static final int PUBLIC_TYPES_MAX = 42;

  private static final Path CLASSES_DIR = classesDir();

  private static final JavaClasses CLASSES = new ClassFileImporter().importPath(CLASSES_DIR);

  @Test
  void everyPackageIsARoomAndNoRoomIsEmpty() {
    assertThat(realClasses().map(JavaClass::getPackageName).collect(toSet()))
        .containsExactlyInAnyOrderElementsOf(ROOMS);
  }

  @ParameterizedTest
  @FieldSource("ROOMS")
  void arrowsGoDownOnly(String room) {
    var open = ARROWS.getOrDefault(room, Set.of());
    var closed =
        ROOMS.stream()
            .filter(other -> !other.equals(room) && !open.contains(other))
            .toArray(String[]::new);
    if (closed.length > 0) {
      noClasses()
          .that()
          .resideInAPackage(room)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(closed)
          .check(CLASSES);
    }
  }

  @Test
  void treeIsPageArithmeticAndAtomicsOnly() {
    var arithmeticAndAtomics =
        resideInAnyPackage(
                BUDDY, "", "java.lang", "java.lang.invoke", "java.util", "java.util.function")
            .and(not(nameMatching("java\\.lang\\.(.*Thread.*|ScopedValue.*|System)")))
            .as("are the tree's, or java.lang's (no thread, no System), java.util's or functions");
    classes()
        .that()
        .resideInAPackage(BUDDY)
        .should()
        .onlyDependOnClassesThat(arithmeticAndAtomics)
        .check(CLASSES);
  }

  @Test
  void onlyTheJdkSlf4jAndJspecifyAreUsed() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                ROOT + "..", "", "java..", "jdk.jfr", "org.slf4j", "org.jspecify.annotations"))
        .check(CLASSES);
  }

  @Test
  void nothingPrints() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
  }

  @Test
  void unsafeIsNotUsed() {
    noClasses()
        .should()
        .dependOnClassesThat(nameMatching("(sun\\.misc|jdk\\.internal\\.misc)\\.Unsafe"))
        .check(CLASSES);
  }

  @Test
  void treeAndCacheTakeNoLock() {
    noClasses()
        .that()
        .resideInAnyPackage(BUDDY, CACHE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.concurrent.locks")
        .check(CLASSES);
    classes().that().resideInAnyPackage(BUDDY, CACHE).should(new EnterNoMonitor()).check(CLASSES);
  }

  @Test
  void noInternalPackageIsExported() {
    assertThat(exports()).isNotEmpty().noneMatch(room -> room.contains(".internal"));
  }

  @Test
  void noPublicSignatureNamesAnInternalType() {
    var internal = resideInAnyPackage(ROOT + ".internal..");
    noCodeUnits()
        .that()
        .areDeclaredInClassesThat(not(internal).and(modifier(JavaModifier.PUBLIC)))
        .and(modifier(JavaModifier.PUBLIC).or(modifier(JavaModifier.PROTECTED)))
        .should()
        .haveRawReturnType(internal)
        .orShould()
        .haveRawParameterTypes(anyElementThat(internal))
        .check(CLASSES);
  }

  @Test
  void publicTypesAreFew() {
    var exported = exports();
    assertThat(
            realClasses()
                .filter(type -> exported.contains(type.getPackageName()))
                .filter(JavaClass::isTopLevelClass)
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getSimpleName))
        .isNotEmpty()
        .hasSizeLessThanOrEqualTo(PUBLIC_TYPES_MAX);
  }

  /// The classes without `package-info` and `module-info`.
  private static Stream<JavaClass> realClasses() {
    return CLASSES.stream().filter(type -> !type.getSimpleName().endsWith("-info"));
  }

  private static Set<String> exports() {
    return ModuleFinder.of(CLASSES_DIR).find(ROOT).orElseThrow().descriptor().exports().stream()
        .map(ModuleDescriptor.Exports::source)
        .collect(toSet());
  }

  private static Path classesDir() {
    try {
      return Path.of(
          PageAllocator.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /// No synchronized method and no synchronized block, read off the bytecode.
  private static final class EnterNoMonitor extends ArchCondition<JavaClass> {
    EnterNoMonitor() {
      super("enter no monitor");
    }

    @Override
    public void check(JavaClass type, ConditionEvents events) {
      for (MethodModel method : parse(type.getSource().orElseThrow().getUri())) {
        if (entersMonitor(method)) {
          var where = type.getName() + "." + method.methodName().stringValue();
          events.add(violated(type, "monitor entered: method=" + where));
        }
      }
    }

    private static Iterable<MethodModel> parse(URI classFile) {
      try {
        return ClassFile.of().parse(Files.readAllBytes(Path.of(classFile))).methods();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static boolean entersMonitor(MethodModel method) {
      return method.flags().has(AccessFlag.SYNCHRONIZED)
          || method.code().stream()
              .flatMap(code -> code.elementStream())
              .anyMatch(MonitorInstruction.class::isInstance);
    }
  }
}
