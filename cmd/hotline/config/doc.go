// Package config reads the settings of a hotline node: from a YAML file, from
// HOTLINE_ variables and from flags, each overriding the one before.
//
// What always holds here:
//
//   - Every setting has one name: flag --public-ip, variable HOTLINE_PUBLIC_IP
//     and key public-ip are the same.
//   - A [Config] that [Load] returned is complete and valid.
//   - An unknown key in the file is an error that names it.
package config
