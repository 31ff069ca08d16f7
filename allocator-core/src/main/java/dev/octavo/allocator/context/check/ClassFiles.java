package dev.octavo.allocator.context.check;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.NestMembersAttribute;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.Attributes.Name;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Finds class files and reads them: those to analyse now, others when somebody asks for a class.
///
/// Of two files for one class the first counts, as on the class path.
final class ClassFiles {

  private static final String SUFFIX = ".class";

  private final Map<String, ClassNode> analysed = new TreeMap<>();
  private final Set<ClassLoader> loaders = new LinkedHashSet<>();

  /// Those to analyse, by name.
  Map<String, ClassNode> analysed() {
    return analysed;
  }

  /// Looks for a class that is not analysed, by its class loaders.
  ///
  /// @return null if none of them knows it
  @Nullable ClassNode find(String name) {
    String resource = name.replace('.', '/') + SUFFIX;
    try (InputStream bytes = open(resource)) {
      return bytes == null ? null : ClassReader.read(bytes.readAllBytes(), false, resource);
    } catch (IOException e) {
      throw unreadable(resource, e);
    }
  }

  private @Nullable InputStream open(String resource) {
    Set<ClassLoader> all = new LinkedHashSet<>(loaders);
    all.add(Thread.currentThread().getContextClassLoader());
    all.add(ClassFiles.class.getClassLoader());
    for (ClassLoader loader : all) {
      InputStream bytes =
          loader == null
              ? ClassLoader.getSystemResourceAsStream(resource)
              : loader.getResourceAsStream(resource);
      if (bytes != null) {
        return bytes;
      }
    }
    return null;
  }

  // ---- classes

  /// Adds a class, and all that are nested in it, those without a name as well.
  void addClass(Class<?> type) {
    if (type.getClassLoader() != null) {
      loaders.add(type.getClassLoader());
    }
    addResource(type, type.getName());
    String inside = type.getName() + "$";
    for (String name : nestMembers(type.getNestHost())) {
      if (name.startsWith(inside)) {
        addResource(type, name);
      }
    }
  }

  private static List<String> nestMembers(Class<?> host) {
    return ClassFile.of()
        .parse(bytes(host, host.getName()))
        .findAttribute(Attributes.nestMembers())
        .map(NestMembersAttribute::nestMembers)
        .orElse(List.of())
        .stream()
        .map(ClassReader::dotted)
        .toList();
  }

  private void addResource(Class<?> near, String name) {
    add(bytes(near, name), name);
  }

  private static byte[] bytes(Class<?> near, String name) {
    String resource = "/" + name.replace('.', '/') + SUFFIX;
    try (InputStream stream = near.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalArgumentException("class has no class file: class=" + name);
      }
      return stream.readAllBytes();
    } catch (IOException e) {
      throw unreadable(resource, e);
    }
  }

  private void add(byte[] bytes, Object origin) {
    ClassNode node = ClassReader.read(bytes, true, origin);
    analysed.putIfAbsent(node.name(), node);
  }

  // ---- directories and jars

  /// Adds what is in a directory or a jar.
  void addPath(Path path) {
    if (Files.isDirectory(path)) {
      addTree(path, "");
    } else if (!addJar(path, "")) {
      throw new IllegalArgumentException("neither a directory nor a jar: path=" + path);
    }
  }

  /// @return whether it is a jar
  private boolean addJar(Path path, String folder) {
    try (FileSystem jar = FileSystems.newFileSystem(path, (ClassLoader) null)) {
      addTree(jar.getPath("/"), folder);
      return true;
    } catch (ProviderNotFoundException e) {
      return false;
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  private void addTree(Path root, String folder) {
    Path start = root.resolve(folder);
    if (!Files.isDirectory(start)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(start)) {
      for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
        if (isClass(root.relativize(file).toString().replace(File.separatorChar, '/'))) {
          add(Files.readAllBytes(file), file);
        }
      }
    } catch (UncheckedIOException e) {
      throw unreadable(start, new IOException(e));
    } catch (IOException e) {
      throw unreadable(start, e);
    }
  }

  /// Neither the description of a package or module, nor for one release of the JDK alone.
  private static boolean isClass(String file) {
    return file.endsWith(SUFFIX) && !file.endsWith("-info.class") && !file.startsWith("META-INF/");
  }

  // ---- packages

  /// Adds the classes of a package and of those below it, from the class path and all modules.
  ///
  /// @return where it looked
  List<Path> addPackage(String name) {
    String folder = name.replace('.', '/');
    List<Path> classPath = classPath(System.getProperty("java.class.path", ""));
    for (Path entry : classPath) {
      if (Files.isDirectory(entry)) {
        addTree(entry, folder);
      } else {
        addJar(entry, folder);
      }
    }
    for (ResolvedModule module : ModuleLayer.boot().configuration().modules()) {
      if (module.reference().descriptor().packages().stream().anyMatch(it -> isIn(it, name))) {
        addModule(module.reference(), folder);
      }
    }
    return classPath;
  }

  private static boolean isIn(String packageName, String parent) {
    return (packageName + ".").startsWith(parent + ".");
  }

  /// A module as it was started: tests that are patched into it are there, too.
  private void addModule(ModuleReference module, String folder) {
    try (ModuleReader reader = module.open();
        Stream<String> names = reader.list()) {
      for (String file : names.filter(it -> it.startsWith(folder + "/")).sorted().toList()) {
        if (isClass(file)) {
          try (InputStream bytes = reader.open(file).orElseThrow()) {
            add(bytes.readAllBytes(), file);
          }
        }
      }
    } catch (IOException e) {
      throw unreadable(module.descriptor().name(), e);
    }
  }

  /// The entries that exist, and those that a jar's manifest names: some tools start tests with one
  /// jar that only names the others.
  ///
  /// @param entries as java is told
  static List<Path> classPath(String entries) {
    Deque<Path> open = new ArrayDeque<>();
    for (String entry : entries.split(File.pathSeparator, -1)) {
      open.add(Path.of(entry));
    }
    Set<Path> found = new LinkedHashSet<>();
    while (!open.isEmpty()) {
      Path entry = open.remove().toAbsolutePath().normalize();
      if (Files.exists(entry) && found.add(entry) && !Files.isDirectory(entry)) {
        open.addAll(namedByManifest(entry));
      }
    }
    return new ArrayList<>(found);
  }

  private static List<Path> namedByManifest(Path path) {
    List<Path> named = new ArrayList<>();
    try (JarFile jar = new JarFile(path.toFile())) {
      Manifest manifest = jar.getManifest();
      String entries =
          manifest == null ? null : manifest.getMainAttributes().getValue(Name.CLASS_PATH);
      for (String entry : entries == null ? List.<String>of() : List.of(entries.split(" ", -1))) {
        URI place = path.toUri().resolve(URI.create(entry));
        if (!entry.isBlank() && Objects.equals(place.getScheme(), "file")) {
          named.add(Path.of(place));
        }
      }
    } catch (IOException | IllegalArgumentException _) {
      return named; // what the JVM ignores on the class path
    }
    return named;
  }

  private static UncheckedIOException unreadable(Object file, IOException cause) {
    return new UncheckedIOException("class files cannot be read: path=" + file, cause);
  }
}
