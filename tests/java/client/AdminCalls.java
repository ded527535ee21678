import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.hadoop.hbase.NamespaceDescriptor;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptor;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.SnapshotDescription;
import org.apache.hadoop.hbase.client.TableDescriptor;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.gson.JsonArray;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/**
 * Calls any method of Admin by name. The arguments are turned into what the method's parameters
 * need; of several methods with that name and number of parameters, the first one that all arguments fit is called.
 *
 * <p>A table: {"name": "ns:t", "families": ["f", {"name": "g", "values": {"VERSIONS": "3"}}], "values": {...}}.
 */
final class AdminCalls {
  private static final long FUTURE_SECONDS_MAX = 600;

  private final PeerClient client;

  AdminCalls(PeerClient client) {
    this.client = client;
  }

  void register() {
    client.add("admin", args -> call(args.get("method").getAsString(), args.getAsJsonArray("args")));
  }

  private Object call(String name, JsonArray args) throws Exception {
    List<String> misfits = new ArrayList<>();
    for (Method method : candidates(name, args.size())) {
      Object[] values;
      try {
        values = fit(method, args);
      } catch (RuntimeException misfit) {
        misfits.add(method + ": " + misfit);
        continue;
      }
      return invoke(method, values);
    }
    throw new IllegalArgumentException("no Admin." + name + " takes " + args + "; tried " + misfits);
  }

  private static List<Method> candidates(String name, int parameters) {
    return Arrays.stream(Admin.class.getMethods())
        .filter(method -> method.getName().equals(name) && method.getParameterCount() == parameters)
        .sorted(Comparator.comparing((Method method) -> method.isAnnotationPresent(Deprecated.class))
            .thenComparing(Method::toString))
        .collect(Collectors.toList());
  }

  private static Object[] fit(Method method, JsonArray args) {
    Type[] types = method.getGenericParameterTypes();
    Object[] values = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      values[i] = convert(types[i], args.get(i));
    }
    return values;
  }

  private Object invoke(Method method, Object[] values) throws Exception {
    try (Admin admin = client.connection().getAdmin()) {
      Object result = method.invoke(admin, values);
      return result instanceof Future ? ((Future<?>) result).get(FUTURE_SECONDS_MAX, TimeUnit.SECONDS) : result;
    } catch (InvocationTargetException wrapper) {
      throw wrapper.getCause() instanceof Exception ? (Exception) wrapper.getCause() : wrapper;
    } catch (java.util.concurrent.ExecutionException wrapper) {
      throw wrapper.getCause() instanceof Exception ? (Exception) wrapper.getCause() : wrapper;
    }
  }

  private static Object convert(Type type, JsonElement value) {
    if (type instanceof ParameterizedType) {
      return value.isJsonNull() ? null : convertGeneric((ParameterizedType) type, value);
    }
    Class<?> target = (Class<?>) type;
    if (target == boolean.class || target == Boolean.class) {
      return value.getAsJsonPrimitive().isBoolean() ? value.getAsBoolean() : misfit(type, value);
    } else if (target == int.class || target == Integer.class) {
      return value.getAsInt();
    } else if (target == long.class || target == Long.class) {
      return value.getAsLong();
    } else if (value.isJsonNull()) {
      return null;
    } else if (target == byte[][].class) {
      return list(byte[].class, value).toArray(new byte[0][]);
    } else if (target == TableDescriptor.class) {
      return table(value.getAsJsonObject());
    } else if (target == ColumnFamilyDescriptor.class) {
      return family(value);
    } else if (target == NamespaceDescriptor.class) {
      return namespace(value.getAsJsonObject());
    } else if (target == SnapshotDescription.class) {
      JsonObject snapshot = value.getAsJsonObject();
      return new SnapshotDescription(Json.string(snapshot, "name"), TableName.valueOf(Json.string(snapshot, "table")));
    }
    return convertText(target, value.getAsString());
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Object convertText(Class<?> target, String text) {
    if (target == String.class) {
      return text;
    } else if (target == TableName.class) {
      return TableName.valueOf(text);
    } else if (target == byte[].class) {
      return Bytes.toBytesBinary(text);
    } else if (target == ServerName.class) {
      return ServerName.valueOf(text);
    } else if (target == Pattern.class) {
      return Pattern.compile(text);
    } else if (target.isEnum()) {
      return Enum.valueOf((Class<? extends Enum>) target, text);
    }
    throw new IllegalArgumentException("arguments of " + target + " are not made from text");
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Object convertGeneric(ParameterizedType type, JsonElement value) {
    Class<?> raw = (Class<?>) type.getRawType();
    Type element = type.getActualTypeArguments()[0];
    if (raw == Map.class) {
      Map<Object, Object> map = new LinkedHashMap<>();
      value.getAsJsonObject().entrySet().forEach(entry -> map.put(convertText((Class<?>) element, entry.getKey()),
          convert(type.getActualTypeArguments()[1], entry.getValue())));
      return map;
    } else if (raw == EnumSet.class) {
      EnumSet set = EnumSet.noneOf((Class<? extends Enum>) element);
      set.addAll(list(element, value));
      return set;
    }
    List<Object> values = list(element, value);
    return raw.isInstance(values) ? values : raw.isAssignableFrom(HashSet.class) ? new HashSet<>(values) : misfit(type, value);
  }

  private static List<Object> list(Type element, JsonElement values) {
    List<Object> list = new ArrayList<>();
    values.getAsJsonArray().forEach(value -> list.add(convert(element, value)));
    return list;
  }

  private static Object misfit(Type type, JsonElement value) {
    throw new IllegalArgumentException(value + " is no " + type);
  }

  private static TableDescriptor table(JsonObject spec) {
    TableDescriptorBuilder table = TableDescriptorBuilder.newBuilder(TableName.valueOf(Json.string(spec, "name")));
    spec.getAsJsonArray("families").forEach(family -> table.setColumnFamily(family(family)));
    values(spec).forEach(table::setValue);
    return table.build();
  }

  private static ColumnFamilyDescriptor family(JsonElement spec) {
    if (spec.isJsonPrimitive()) {
      return ColumnFamilyDescriptorBuilder.of(spec.getAsString());
    }
    byte[] name = Json.bytes(spec.getAsJsonObject(), "name");
    ColumnFamilyDescriptorBuilder family = ColumnFamilyDescriptorBuilder.newBuilder(name);
    values(spec.getAsJsonObject()).forEach(family::setValue);
    return family.build();
  }

  private static NamespaceDescriptor namespace(JsonObject spec) {
    return NamespaceDescriptor.create(Json.string(spec, "name")).addConfiguration(values(spec)).build();
  }

  private static Map<String, String> values(JsonObject spec) {
    Map<String, String> values = new LinkedHashMap<>();
    if (spec.has("values")) {
      spec.getAsJsonObject("values").entrySet().forEach(e -> values.put(e.getKey(), e.getValue().getAsString()));
    }
    return values;
  }
}
