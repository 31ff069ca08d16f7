package dev.octavo.allocator.context.check;

import java.lang.classfile.AttributedElement;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.RuntimeInvisibleAnnotationsAttribute;
import java.lang.classfile.attribute.SourceFileAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads one class file.
final class ClassReader {

  private static final String MIGHT_SLEEP = MightSleep.class.descriptorString();
  private static final String ATOMIC_CONTEXT = AtomicContext.class.descriptorString();

  private final ClassModel model;
  private final String name;
  private final @Nullable String sourceFile;
  private final boolean withCode;

  private ClassReader(ClassModel model, boolean withCode) {
    this.model = model;
    this.withCode = withCode;
    name = dotted(model.thisClass());
    sourceFile =
        model
            .findAttribute(Attributes.sourceFile())
            .map(SourceFileAttribute::sourceFile)
            .map(Object::toString)
            .orElse(null);
  }

  /// @param withCode whether its methods' code is looked at
  /// @param origin where the bytes are from
  /// @throws IllegalArgumentException if they are no class file that this JDK knows
  static ClassNode read(byte[] bytes, boolean withCode, Object origin) {
    try {
      return new ClassReader(ClassFile.of().parse(bytes), withCode).read();
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "class file is malformed: file=" + origin + ", byteSize=" + bytes.length, e);
    }
  }

  static String dotted(ClassEntry type) {
    return type.asInternalName().replace('/', '.');
  }

  private ClassNode read() {
    Map<String, MethodNode> methods = LinkedHashMap.newLinkedHashMap(model.methods().size());
    boolean mightSleep = isMarked(model, MIGHT_SLEEP);
    boolean isAtomic = isMarked(model, ATOMIC_CONTEXT);
    for (MethodModel method : model.methods()) {
      MethodNode node = method(method, mightSleep, isAtomic);
      methods.put(node.signature, node);
    }
    String superclass = model.superclass().map(ClassReader::dotted).orElse(null);
    List<String> interfaces = model.interfaces().stream().map(ClassReader::dotted).toList();
    return new ClassNode(name, superclass, interfaces, methods);
  }

  private MethodNode method(MethodModel method, boolean mightSleep, boolean isAtomic) {
    String signature = method.methodName().stringValue() + method.methodType().stringValue();
    int flags = method.flags().flagsMask();
    boolean isCovered = !signature.startsWith("<") && (flags & ClassFile.ACC_SYNTHETIC) == 0;
    return new MethodNode(
        name,
        signature,
        flags,
        isMarked(method, MIGHT_SLEEP) || (isCovered && mightSleep),
        isMarked(method, ATOMIC_CONTEXT) || (isCovered && isAtomic),
        withCode ? new CodeReader(method, sourceFile).read() : null);
  }

  private static boolean isMarked(AttributedElement element, String annotation) {
    return element
        .findAttribute(Attributes.runtimeInvisibleAnnotations())
        .map(RuntimeInvisibleAnnotationsAttribute::annotations)
        .orElse(List.of())
        .stream()
        .anyMatch(found -> found.className().equalsString(annotation));
  }
}
