package gateway

import "net/url"

// decodeForm reads the parameters from application/x-www-form-urlencoded.
func decodeForm(body []byte) (*params, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid(ReasonMalformedBody, "the form is malformed: "+err.Error())
	}
	var p params
	for _, param := range p.names() {
		if *param.value, err = onlyValue(values, param.name); err != nil {
			return nil, err
		}
	}
	content, err := onlyValue(values, paramBizContent)
	if err != nil {
		return nil, err
	}
	if content != nil {
		p.bizContent = []byte(*content)
	}
	return &p, nil
}

// onlyValue is the value of a parameter, nil for none.
func onlyValue(values url.Values, name string) (*string, error) {
	switch given := values[name]; len(given) {
	case 0:
		return nil, nil //nolint:nilnil // None is a valid answer.
	case 1:
		return &given[0], nil
	default:
		return nil, duplicate(name)
	}
}
