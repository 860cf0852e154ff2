package main

import "github.com/mqrpc/mqrpc/contract"

// checkClashes finds services that are served at the same place under the same
// short name. It compares all files of the request, those that are only
// imported too, and reports a clash where the code is generated.
func checkClashes(contracts []*serviceFile, found *problems) {
	type address struct {
		key  contract.Key
		name string
	}
	seen := map[address]*service{}
	for _, file := range contracts {
		for _, current := range file.services {
			at := address{current.key, string(current.Desc.Name())}
			earlier, clash := seen[at]
			if !clash {
				seen[at] = current
				continue
			}
			reportClash(current, earlier, found)
		}
	}
}

// reportClash reports the later service, or the earlier one when only that is
// generated.
func reportClash(later, earlier *service, found *problems) {
	switch {
	case later.file.Generate:
	case earlier.file.Generate:
		later, earlier = earlier, later
	default:
		return
	}
	found.add(later.file, later.Location.Path,
		"service %s: module %q version %q has a service of this name already, %s at %s: short names must differ inside a module's version",
		later.Desc.Name(), later.key.Module, later.key.Version, earlier.Desc.FullName(), position(earlier.file, earlier.Location.Path))
}
