// Applies a JSON Patch (RFC 6902): all six operations, on documents that are JSON.
//
// The document that is given is not changed: what a patch touches is copied on the way down, the
// rest is shared. So a receiver may keep an older state while a newer one is made of it.

// Thrown for a patch that does not fit the document; the receiver then needs the whole document.
export class PatchError extends Error {}

export function applyPatch(document, patch) {
  if (!Array.isArray(patch)) throw new PatchError('a patch is an array of operations');
  return patch.reduce(applyOperation, document);
}

function applyOperation(document, operation) {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case 'add':
      return put(document, path, valueOf(operation), true);
    case 'replace':
      find(document, path);
      return put(document, path, valueOf(operation), false);
    case 'remove':
      return remove(document, path);
    case 'move': {
      const from = parsePointer(operation.from);
      if (from.length < path.length && from.every((key, i) => key === path[i])) {
        throw new PatchError('a value cannot move into itself');
      }
      return put(remove(document, from), path, find(document, from), true);
    }
    case 'copy':
      return put(document, path, find(document, parsePointer(operation.from)), true);
    case 'test':
      if (!equal(find(document, path), valueOf(operation))) throw new PatchError('a test failed');
      return document;
    default:
      throw new PatchError('there is no such operation');
  }
}

function valueOf(operation) {
  if (!Object.hasOwn(operation, 'value')) throw new PatchError('an operation has no value');
  return operation.value;
}

// RFC 6901: `/a~1b/0` is ['a/b', '0'].
function parsePointer(pointer) {
  if (typeof pointer !== 'string' || (pointer !== '' && pointer[0] !== '/') ||
      /~(?![01])/.test(pointer)) {
    throw new PatchError('a path is not a JSON Pointer');
  }
  return pointer.split('/').slice(1).map(
      (part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const isContainer = (value) => typeof value === 'object' && value !== null;

function indexOf(array, key, last) {
  if (!/^(0|[1-9][0-9]*)$/.test(key) || Number(key) > last) {
    throw new PatchError('an array has no such place');
  }
  return Number(key);
}

function child(value, key) {
  if (Array.isArray(value)) return value[indexOf(value, key, value.length - 1)];
  if (!isContainer(value) || !Object.hasOwn(value, key)) {
    throw new PatchError('a path leads nowhere');
  }
  return value[key];
}

const find = (document, path) => path.reduce(child, document);

// `__proto__` is a member like any other.
function setMember(object, key, value) {
  Object.defineProperty(object, key,
                        {value, writable: true, enumerable: true, configurable: true});
  return object;
}

// A copy of `object` with its own members only, by definition and not by assignment.
function copyObject(object) {
  const copy = {};
  for (const key of Object.keys(object)) setMember(copy, key, object[key]);
  return copy;
}

// Has `change` make a new last container of the path, and copies those above it.
function rebuild(value, path, change) {
  if (path.length === 1) {
    if (!isContainer(value)) throw new PatchError('a path leads nowhere');
    return change(value, path[0]);
  }
  const below = rebuild(child(value, path[0]), path.slice(1), change);
  if (!Array.isArray(value)) return setMember(copyObject(value), path[0], below);
  const copy = value.slice();
  copy[Number(path[0])] = below;
  return copy;
}

function put(document, path, added, inserts) {
  if (path.length === 0) return added;
  return rebuild(document, path, (value, key) => {
    if (!Array.isArray(value)) return setMember(copyObject(value), key, added);
    const at = key === '-' && inserts ? value.length
                                      : indexOf(value, key, value.length - (inserts ? 0 : 1));
    const copy = value.slice();
    copy.splice(at, inserts ? 0 : 1, added);
    return copy;
  });
}

function remove(document, path) {
  if (path.length === 0) throw new PatchError('the whole document cannot be removed');
  find(document, path);
  return rebuild(document, path, (value, key) => {
    if (Array.isArray(value)) return value.filter((_, i) => i !== Number(key));
    const copy = copyObject(value);
    delete copy[key];
    return copy;
  });
}

function equal(left, right) {
  if (!isContainer(left) || !isContainer(right)) return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length &&
         keys.every((key) => Object.hasOwn(right, key) && equal(left[key], right[key]));
}
