// Package hw will describe the devices that web pages may be given (USB, HID, serial)
// and what a driver for each must do, in pure Go. The real drivers, of which two need
// cgo and a build tag, will be sub-packages; a program will pass those it wants, and
// nothing registers itself.
//
// It stands on floor 2, the engines; session/device will hold the permissions and
// choices. It holds no code yet.
package hw
