package form

import "net/url"

// decodeForm reads the parameters from application/x-www-form-urlencoded. The
// number of parameters is bounded as [url.ParseQuery] bounds it.
func decodeForm(body []byte) (params, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return params{}, malformed("the form is malformed: " + err.Error())
	}
	for _, name := range []string{paramModule, paramVersion, paramMethod, paramBizContent} {
		if len(values[name]) > 1 {
			return params{}, duplicate(name)
		}
	}
	return params{
		module:     values.Get(paramModule),
		version:    values.Get(paramVersion),
		method:     values.Get(paramMethod),
		bizContent: []byte(values.Get(paramBizContent)),
	}, nil
}
