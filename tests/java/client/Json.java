import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.hbase.NamespaceDescriptor;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptor;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.TableDescriptor;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.gson.JsonArray;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonNull;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;
import org.apache.hbase.thirdparty.com.google.gson.JsonPrimitive;

/** HBase's objects as JSON. */
final class Json {
  private Json() {}

  /** Any object; what has no form of its own becomes what its toString says. */
  static JsonElement of(Object value) {
    if (value == null) {
      return JsonNull.INSTANCE;
    } else if (value instanceof JsonElement) {
      return (JsonElement) value;
    } else if (value instanceof Boolean) {
      return new JsonPrimitive((Boolean) value);
    } else if (value instanceof Number) {
      return new JsonPrimitive((Number) value);
    } else if (value instanceof byte[]) {
      return new JsonPrimitive(Bytes.toStringBinary((byte[]) value));
    } else if (value instanceof Optional) {
      return of(((Optional<?>) value).orElse(null));
    } else if (value instanceof Map) {
      return map((Map<?, ?>) value);
    } else if (value instanceof Iterable) {
      return list((Iterable<?>) value);
    } else if (value.getClass().isArray()) {
      return array(value);
    } else if (value instanceof RegionInfo) {
      return region((RegionInfo) value);
    } else if (value instanceof TableDescriptor) {
      return table((TableDescriptor) value);
    } else if (value instanceof NamespaceDescriptor) {
      NamespaceDescriptor namespace = (NamespaceDescriptor) value;
      return object("name", namespace.getName(), "values", namespace.getConfiguration());
    }
    return new JsonPrimitive(value.toString());
  }

  /** An object of names and values in turn. */
  static JsonObject object(Object... namesAndValues) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      object.add((String) namesAndValues[i], of(namesAndValues[i + 1]));
    }
    return object;
  }

  /** The string args[name], or null if it is absent. */
  static String string(JsonObject args, String name) {
    JsonElement value = args.get(name);
    return value == null || value.isJsonNull() ? null : value.getAsString();
  }

  /** The number args[name], or a default if it is absent. */
  static long number(JsonObject args, String name, long absent) {
    JsonElement value = args.get(name);
    return value == null || value.isJsonNull() ? absent : value.getAsLong();
  }

  /** The bytes args[name], or null if they are absent. */
  static byte[] bytes(JsonObject args, String name) {
    String text = string(args, name);
    return text == null ? null : Bytes.toBytesBinary(text);
  }

  private static JsonObject map(Map<?, ?> map) {
    JsonObject object = new JsonObject();
    map.forEach((key, value) -> {
      JsonElement name = of(key);
      object.add(name.isJsonPrimitive() ? name.getAsString() : name.toString(), of(value));
    });
    return object;
  }

  private static JsonArray list(Iterable<?> values) {
    JsonArray array = new JsonArray();
    values.forEach(value -> array.add(of(value)));
    return array;
  }

  private static JsonArray array(Object values) {
    JsonArray array = new JsonArray();
    for (int i = 0; i < Array.getLength(values); i++) {
      array.add(of(Array.get(values, i)));
    }
    return array;
  }

  private static JsonObject region(RegionInfo region) {
    return object("encoded", region.getEncodedName(), "name", region.getRegionNameAsString(), "table",
        region.getTable().getNameAsString(), "start", region.getStartKey(), "end", region.getEndKey(), "replica",
        region.getReplicaId(), "id", region.getRegionId(), "split", region.isSplit(), "offline", region.isOffline());
  }

  private static JsonObject table(TableDescriptor table) {
    return object("name", table.getTableName().getNameAsString(), "values", strings(table.getValues()), "families",
        list(Arrays.asList(Arrays.stream(table.getColumnFamilies()).map(Json::family).toArray())));
  }

  private static JsonObject family(ColumnFamilyDescriptor family) {
    return object("name", family.getNameAsString(), "values", strings(family.getValues()));
  }

  private static JsonObject strings(Map<?, ?> values) {
    JsonObject object = new JsonObject();
    values.forEach((key, value) -> object.addProperty(key.toString(), value.toString()));
    return object;
  }
}
