package dev.octavo.allocator.context.check;

import dev.octavo.allocator.context.check.Call.Mode;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.MethodHandleEntry;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ConvertInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandleInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads the code of one method: what it calls, and with which allocation mode.
///
/// A mode is known if the argument is pushed by one instruction, a constant or the method's own
/// parameter that nobody assigns to, and what follows up to the call only pushes the arguments
/// behind it, one instruction each and perhaps one that converts, with no jump into their midst. So
/// that instruction's value is the argument; all else is [Mode#ANY].
final class CodeReader {

  private static final ClassDesc MODE = ClassDesc.of("dev.octavo.allocator.AllocationMode");
  private static final Set<String> QUIET_MODES = Set.of("NOWAIT", "ATOMIC");
  private static final int NONE = -1;
  private static final int SEVERAL = -2;

  private final MethodModel method;
  private final @Nullable String sourceFile;
  private final Set<Label> jumpTargets = new HashSet<>();
  private final List<Call> calls = new ArrayList<>();
  private final Sections sections = new Sections();

  /// What surely ran one after the other, up to now.
  private final List<Instruction> straight = new ArrayList<>();

  private int modeSlot;
  private int line = MethodNode.NO_LINE;
  private int monitorLine = MethodNode.NO_LINE;
  private boolean entersMonitor;

  CodeReader(MethodModel method, @Nullable String sourceFile) {
    this.method = method;
    this.sourceFile = sourceFile;
    modeSlot = modeSlot();
    entersMonitor = (method.flags().flagsMask() & ClassFile.ACC_SYNCHRONIZED) != 0;
  }

  MethodNode.Body read() {
    method.code().ifPresent(this::read);
    for (int i = 0; i < calls.size(); i++) {
      calls.set(i, calls.get(i).in(sections.of(i)));
    }
    return new MethodNode.Body(sourceFile, List.copyOf(calls), entersMonitor, monitorLine);
  }

  private void read(CodeModel code) {
    code.forEach(this::lookAhead);
    for (CodeElement element : code) {
      switch (element) {
        case LineNumber number -> startLine(number.line());
        case LabelTarget target when jumpTargets.contains(target.label()) -> straight.clear();
        case Instruction instruction -> read(instruction);
        default -> {}
      }
    }
  }

  private void startLine(int number) {
    if (entersMonitor && monitorLine == MethodNode.NO_LINE) {
      monitorLine = number;
    }
    line = number;
  }

  private void lookAhead(CodeElement element) {
    switch (element) {
      case BranchInstruction branch -> jumpTargets.add(branch.target());
      case ExceptionCatch handler -> jumpTargets.add(handler.handler());
      case TableSwitchInstruction table -> addTargets(table.defaultTarget(), table.cases());
      case LookupSwitchInstruction lookup -> addTargets(lookup.defaultTarget(), lookup.cases());
      case StoreInstruction store when store.slot() == modeSlot -> modeSlot = NONE;
      default -> {}
    }
  }

  private void addTargets(Label otherwise, List<SwitchCase> cases) {
    jumpTargets.add(otherwise);
    cases.forEach(each -> jumpTargets.add(each.target()));
  }

  private void read(Instruction instruction) {
    sections.look(instruction, straight.isEmpty() ? null : straight.getLast(), calls.size());
    switch (instruction) {
      case InvokeInstruction call -> addCall(call);
      case InvokeDynamicInstruction call -> addReferences(call);
      case MonitorInstruction monitor when monitor.opcode() == Opcode.MONITORENTER -> addMonitor();
      default -> {}
    }
    if (!(instruction instanceof ConvertInstruction)) {
      straight.add(instruction); // one that converts pops what it pushes
    }
  }

  private void addMonitor() {
    if (!entersMonitor) {
      entersMonitor = true;
      monitorLine = line;
    }
  }

  private void addCall(InvokeInstruction call) {
    boolean isDispatched =
        call.opcode() == Opcode.INVOKEVIRTUAL || call.opcode() == Opcode.INVOKEINTERFACE;
    add(call.method(), isDispatched, false, mode(call.typeSymbol()));
  }

  /// What a lambda or a method reference runs is among the arguments of its bootstrap method.
  private void addReferences(InvokeDynamicInstruction call) {
    Mode captured = mode(call.typeSymbol());
    for (var argument : call.invokedynamic().bootstrap().arguments()) {
      if (argument instanceof MethodHandleEntry handle
          && handle.kind() >= MethodHandleInfo.REF_invokeVirtual) {
        MethodTypeDesc type = MethodTypeDesc.ofDescriptor(handle.reference().type().stringValue());
        Mode mode = modeParameter(type) >= 0 ? captured : Mode.NONE;
        add(handle.reference(), isDispatched(handle), true, mode);
      }
    }
  }

  private static boolean isDispatched(MethodHandleEntry handle) {
    return handle.kind() == MethodHandleInfo.REF_invokeVirtual
        || handle.kind() == MethodHandleInfo.REF_invokeInterface;
  }

  private void add(MemberRefEntry target, boolean isDispatched, boolean isLambda, Mode mode) {
    String owner = ClassReader.dotted(target.owner());
    if (!owner.startsWith("[")) {
      String signature = target.name().stringValue() + target.type().stringValue();
      calls.add(new Call(owner, signature, isDispatched, isLambda, line, mode, Sections.Kind.NONE));
    }
  }

  // ---- modes

  private Mode mode(MethodTypeDesc type) {
    int parameter = modeParameter(type);
    if (parameter == NONE) {
      return Mode.NONE;
    }
    int pushed = straight.size() - (type.parameterCount() - parameter);
    if (parameter == SEVERAL || pushed < 0) {
      return Mode.ANY;
    }
    boolean isArgument =
        straight.subList(pushed + 1, straight.size()).stream().allMatch(CodeReader::pushesOne);
    return isArgument ? mode(straight.get(pushed)) : Mode.ANY;
  }

  private Mode mode(Instruction push) {
    return switch (push) {
      case FieldInstruction field when isQuiet(field) -> Mode.QUIET;
      case LoadInstruction load when load.slot() == modeSlot -> Mode.PARAMETER;
      default -> Mode.ANY;
    };
  }

  private static boolean isQuiet(FieldInstruction field) {
    return field.opcode() == Opcode.GETSTATIC
        && field.owner().matches(MODE)
        && QUIET_MODES.contains(field.name().stringValue());
  }

  private static boolean pushesOne(Instruction instruction) {
    return instruction instanceof LoadInstruction
        || instruction instanceof ConstantInstruction
        || instruction.opcode() == Opcode.GETSTATIC;
  }

  /// The index of the only parameter that is a mode.
  private static int modeParameter(MethodTypeDesc type) {
    int first = type.parameterList().indexOf(MODE);
    return first == type.parameterList().lastIndexOf(MODE) ? first : SEVERAL;
  }

  /// The local variable in which the method's own mode comes.
  private int modeSlot() {
    MethodTypeDesc type = method.methodTypeSymbol();
    int parameter = modeParameter(type);
    if (parameter < 0) {
      return NONE;
    }
    int slot = (method.flags().flagsMask() & ClassFile.ACC_STATIC) != 0 ? 0 : 1;
    for (ClassDesc before : type.parameterList().subList(0, parameter)) {
      slot += TypeKind.from(before).slotSize();
    }
    return slot;
  }
}
