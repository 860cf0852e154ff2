package transcode

// appendPath appends a path of a google.protobuf.FieldMask with its names in
// camelCase. It refuses what is no path, and names that would not come back as
// they were.
func appendPath(out, path []byte) (result []byte, ok bool) {
	first := true // of a name
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9' && !first:
			out = append(out, c)
			first = false
		case c == '_' && i+1 < len(path) && 'a' <= path[i+1] && path[i+1] <= 'z':
			i++
			out = append(out, path[i]-'a'+'A')
			first = false
		case c == '.' && !first:
			out = append(out, c)
			first = true
		default:
			return out, false
		}
	}
	return out, !first
}
